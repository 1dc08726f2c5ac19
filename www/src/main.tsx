import { render } from 'preact';
import { App } from './shell';
import { startPolling } from './changes';
import { boot } from './boot';

startPolling();
const root = document.getElementById('app');
if (root) render(<App />, root);
void boot();
