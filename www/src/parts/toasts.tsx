import { dismissToast, toasts } from '../toasts';
import { IconButton } from './basics';
import { Icon } from './icon';

const ICON: Record<string, string> = { good: 'check', bad: 'cross', warn: 'alert', info: 'info', busy: 'spinner', neutral: 'info' };

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((t) => (
        <div key={t.id} class={`toast tone-${t.tone}`}>
          <Icon name={ICON[t.tone] ?? 'info'} />
          <span>{t.text}</span>
          {t.link && <a href={t.link.href}>{t.link.text}</a>}
          <IconButton icon="close" label="Dismiss message" onClick={() => dismissToast(t.id)} />
        </div>
      ))}
    </div>
  );
}
