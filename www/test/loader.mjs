// Lets node --test import the TypeScript sources: --import ./test/loader.mjs. module.register needs Node 18.19.
import { register } from 'node:module';

register('./hooks.mjs', import.meta.url);
