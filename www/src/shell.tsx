// The frame around every screen: navigation, the skip link, dialogs, uploads and messages. The routes are those of
// preact-iso; each screen is a chunk of its own, fetched when it is first visited.
import { LocationProvider, Route, Router, lazy } from 'preact-iso';
import { Component } from 'preact';
import { expired, session } from './api';
import { boot, bootError } from './boot';
import { alarms, counts, stale, unread } from './changes';
import { arrived, navigate, path } from './nav';
import { Avatar, Button, Empty, Head, LoadError } from './parts/basics';
import { Questions } from './parts/dialog';
import { Icon } from './parts/icon';
import { Toasts } from './parts/toasts';
import { Tray } from './parts/tray';
import { SignIn, SignInDialog } from './screens/sign-in';

const Queue = lazy(() => import('./screens/queue'));
const Composer = lazy(() => import('./screens/composer'));
const Media = lazy(() => import('./screens/media'));
const Accounts = lazy(() => import('./screens/accounts'));
const Notifications = lazy(() => import('./screens/notifications'));
const Settings = lazy(() => import('./screens/settings'));

const NAV = [
  { href: '/queue', text: 'Queue', icon: 'queue' },
  { href: '/compose', text: 'Compose', icon: 'compose' },
  { href: '/media', text: 'Media', icon: 'media' },
  { href: '/accounts', text: 'Accounts', icon: 'accounts' },
  { href: '/settings', text: 'Settings', icon: 'settings' },
];

function Brand() {
  return (
    <a class="brand" href="/queue">
      <svg viewBox="0 0 32 32" aria-hidden="true" focusable="false">
        <rect width="32" height="32" rx="9" class="brand-tile" />
        <path d="M16 7a9 9 0 1 0 9 9M16 11v5.2l3.4 2.2" class="brand-line" />
        <circle cx="23.5" cy="8.5" r="2.6" class="brand-dot" />
      </svg>
      <span>Scheduler</span>
    </a>
  );
}

function Navigation() {
  const attention = counts.value.needs_attention ?? 0;
  return (
    <nav class="nav" aria-label="Main">
      <ul>
        {NAV.map((n) => {
          const here = path.value === n.href || path.value.startsWith(`${n.href}/`);
          return (
            <li key={n.href}>
              <a href={n.href} aria-current={here ? 'page' : undefined}>
                <Icon name={n.icon} />
                <span>{n.text}</span>
                {n.href === '/queue' && attention > 0 && (
                  <span class="count tone-warn">
                    {attention}
                    <span class="visually-hidden"> need attention</span>
                  </span>
                )}
              </a>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}

function Banners() {
  const app = session.value?.app;
  return (
    <div class="banners">
      {app?.sandbox && (
        <p class="banner tone-info"><Icon name="info" /> Sandbox: TikTok is played by a simulator here. Nothing reaches the real TikTok.</p>
      )}
      {app?.unaudited && (
        <p class="banner tone-warn">
          <Icon name="alert" /> TikTok has not audited this app yet: accounts must be private, posts are visible to Only me, and at most five people can post in 24 hours.
        </p>
      )}
      {alarms.value.map((a) => (
        <p key={a.code} class="banner tone-bad" role="alert"><Icon name="alert" /> {a.message}</p>
      ))}
      {stale.value !== '' && (
        <p class="banner tone-warn" role="status"><Icon name="alert" /> {stale.value} What you see may be old.</p>
      )}
      {unread.value > 0 && path.value !== '/notifications' && (
        <p class="banner tone-warn" role="status">
          <Icon name="info" /> <a href="/notifications">{unread.value === 1 ? 'One new notification' : `${unread.value}${unread.value === 100 ? ' or more' : ''} new notifications`}</a>
        </p>
      )}
    </div>
  );
}

class Home extends Component {
  override componentDidMount() {
    navigate('/queue', true);
  }

  override render() {
    return null;
  }
}

function Missing() {
  return (
    <>
      <Head title="Page not found" />
      <Empty icon="link" title="There is nothing at this address">
        <a class="btn btn-primary" href="/queue">Go to the queue</a>
      </Empty>
    </>
  );
}

class Screens extends Component<object, { error: Error | null }> {
  override state = { error: null as Error | null };
  private first = true;

  override componentDidCatch(error: Error) {
    this.setState({ error });
  }

  private readonly changed = (url: string) => {
    const next = new URL(url, location.origin).pathname;
    const moved = next !== path.peek();
    path.value = next;
    // A page load focuses nothing; later arrivals put the focus where the new screen begins.
    if (moved && !this.first) queueMicrotask(arrived);
    this.first = false;
  };

  private readonly loaded = (url: string) => this.changed(url);

  override render() {
    if (this.state.error) {
      return (
        <Empty icon="alert" title="This page stumbled">
          <p>{this.state.error.message}</p>
          <Button icon="refresh" onClick={() => location.reload()}>Reload</Button>
        </Empty>
      );
    }
    return (
      <Router onRouteChange={this.changed} onLoadEnd={this.loaded}>
        <Route path="/" component={Home} />
        <Route path="/queue" component={Queue} />
        <Route path="/compose" component={Composer} />
        <Route path="/compose/:id" component={Composer} />
        <Route path="/media" component={Media} />
        <Route path="/accounts" component={Accounts} />
        <Route path="/settings" component={Settings} />
        <Route path="/notifications" component={Notifications} />
        <Route default component={Missing} />
      </Router>
    );
  }
}

function Frame() {
  const s = session.value;
  return (
    <LocationProvider>
      <a class="skip" href="#main">Skip to content</a>
      <div class="frame">
        <aside class="side">
          <Brand />
          <Navigation />
          {s && (
            <a class="who" href="/settings">
              <Avatar url={null} name={s.user.name || s.user.email} />
              <span class="who-text">
                <span>{s.user.name || s.user.email}</span>
                <span class="hint">{s.workspace.name}</span>
              </span>
            </a>
          )}
        </aside>
        <main id="main" class="main" tabIndex={-1}>
          <Banners />
          <Screens />
        </main>
      </div>
    </LocationProvider>
  );
}

export function App() {
  const s = session.value;
  if (bootError.value) {
    return (
      <main class="alone">
        <h1 class="visually-hidden">Scheduler</h1>
        <LoadError error={bootError.value} retry={() => void boot()} />
      </main>
    );
  }
  if (s === undefined) return <main class="alone"><h1 class="visually-hidden">Scheduler</h1></main>;
  if (s === null) return <SignIn />;
  return (
    <>
      <Frame />
      <Questions />
      {expired.value && <SignInDialog />}
      <Tray />
      <Toasts />
    </>
  );
}

