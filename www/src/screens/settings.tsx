// Settings that exist so far: appearance, home zone, who one is, sign out.
import { signal } from '@preact/signals';
import { Component } from 'preact';
import { api, asError, session, signOut } from '../api';
import { Button, Head } from '../parts/basics';
import { ZoneSelect } from '../parts/when-fields';
import { chosenZone, homeZone, setTheme, setZone, theme } from '../prefs';
import type { Theme } from '../prefs';
import { toast } from '../toasts';
import { browserZone } from '../tz';

const THEMES: { value: Theme; text: string; hint: string }[] = [
  { value: 'system', text: 'As the system', hint: 'Follows your device' },
  { value: 'light', text: 'Light', hint: 'Always light' },
  { value: 'dark', text: 'Dark', hint: 'Always dark' },
];

const working = signal(false);

async function leave(): Promise<void> {
  working.value = true;
  try {
    await signOut();
  } catch (e) {
    working.value = false;
    toast(asError(e).message, 'bad');
  }
}

function Appearance() {
  return (
    <section class="card section">
      <h2>Appearance</h2>
      <fieldset class="tiles">
        <legend class="visually-hidden">Theme</legend>
        {THEMES.map((t) => (
          <label key={t.value} class="tile">
            <input type="radio" name="theme" checked={theme.value === t.value} onChange={() => setTheme(t.value)} />
            <span class={`swatch swatch-${t.value}`} aria-hidden="true"><i /><i /><i /></span>
            <span>{t.text}<span class="hint">{t.hint}</span></span>
          </label>
        ))}
      </fieldset>
    </section>
  );
}

function Zone() {
  return (
    <section class="card section">
      <h2>Time zone</h2>
      <div class="field narrow">
        <label for="home-zone">New posts are planned in</label>
        <ZoneSelect id="home-zone" value={homeZone()} onChange={(z) => setZone(z === browserZone() ? null : z)} />
        <p class="hint">
          {chosenZone.value === null ? 'This is the zone of your browser.' : `Your browser’s zone is ${browserZone()}.`} Kept in this browser; an account’s own zone wins over it.
        </p>
      </div>
    </section>
  );
}

const mail = signal<boolean | null>(null);

async function loadMail(): Promise<void> {
  try {
    mail.value = (await api<{ mail: boolean }>('GET', '/api/v1/notifications/settings')).mail;
  } catch {
    mail.value = null; // the box stays away
  }
}

async function setMail(wanted: boolean): Promise<void> {
  try {
    mail.value = (await api<{ mail: boolean }>('PATCH', '/api/v1/notifications/settings', { body: { mail: wanted } })).mail;
  } catch (e) {
    toast(asError(e).message, 'bad');
  }
}

class Telling extends Component {
  override componentDidMount() {
    void loadMail();
  }

  override render() {
    return (
      <section class="card section">
        <h2>Notifications</h2>
        {mail.value !== null && (
          <div class="check-row">
            <input id="by-mail" type="checkbox" checked={mail.value} onChange={(e) => void setMail(e.currentTarget.checked)} />
            <label for="by-mail">Tell me by mail as well</label>
            <span class="hint">When a post fails or waits for me, and before a connection ends. Needs a mail server, which an administrator sets up.</span>
          </div>
        )}
        <p><a href="/notifications">All notifications</a></p>
      </section>
    );
  }
}

export default function Settings() {
  const s = session.value;
  return (
    <>
      <Head title="Settings" />
      <div class="sections">
        <Appearance />
        <Zone />
        <Telling />
        {s && (
          <section class="card section">
            <h2>Profile</h2>
            <dl class="facts">
              <div><dt>Name</dt><dd>{s.user.name || '–'}</dd></div>
              <div><dt>Email</dt><dd>{s.user.email}</dd></div>
              <div><dt>Workspace</dt><dd>{s.workspace.name}</dd></div>
              <div><dt>Role</dt><dd class="capital">{s.role}</dd></div>
            </dl>
            <Button icon="logout" working={working.value} onClick={() => void leave()}>Sign out</Button>
          </section>
        )}
      </div>
    </>
  );
}
