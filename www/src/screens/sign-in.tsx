// Sign in: as a page of its own, and as a dialog over the page when the session has ended during work.
import { Component, createRef } from 'preact';
import { asError, session, signIn } from '../api';
import { setTitle } from '../nav';
import { Button, Note } from '../parts/basics';
import { Dialog } from '../parts/dialog';
import { Icon } from '../parts/icon';

interface State {
  email: string;
  working: boolean;
  shown: boolean;
  error: string;
}

class Form extends Component<{ email?: string }, State> {
  override state = { email: this.props.email ?? '', working: false, shown: false, error: '' };
  private readonly note = createRef<HTMLDivElement>();

  private readonly submit = async (e: SubmitEvent) => {
    e.preventDefault();
    const form = new FormData(e.currentTarget as HTMLFormElement);
    const email = this.state.email.trim();
    const password = String(form.get('password') ?? '');
    if (!email || !password) {
      this.fail('Enter your email address and your password.');
      return;
    }
    this.setState({ working: true, error: '' });
    try {
      await signIn(email, password);
    } catch (x) {
      this.setState({ working: false });
      this.fail(this.explain(x));
    }
  };

  private explain(x: unknown): string {
    const error = asError(x);
    if (error.code === 'bad_credentials') return 'Email or password is not right.';
    if (error.status === 429) {
      const minutes = Math.ceil(error.retryAfter / 60);
      return `Too many attempts. Try again in ${error.retryAfter < 90 ? `${Math.max(1, error.retryAfter)} seconds` : `${minutes} minutes`}.`;
    }
    return error.message;
  }

  private fail(error: string) {
    this.setState({ error }, () => this.note.current?.focus());
  }

  override render() {
    const { email, working, shown, error } = this.state;
    return (
      <form class="form" onSubmit={(e) => void this.submit(e)} noValidate>
        {error && <div ref={this.note} class="note-focus" tabIndex={-1}><Note tone="bad">{error}</Note></div>}
        <div class="field">
          <label for="email">Email</label>
          <input id="email" name="email" class="input" type="email" autocomplete="username" required value={email} onInput={(e) => this.setState({ email: e.currentTarget.value })} autofocus={!this.props.email} />
        </div>
        <div class="field">
          <label for="password">Password</label>
          <div class="input-with">
            <input id="password" name="password" class="input" type={(shown ? 'text' : 'password') as 'password'} autocomplete="current-password" required autofocus={!!this.props.email} />
            <button type="button" class="icon-btn" aria-pressed={shown} aria-label="Show password" title="Show password" onClick={() => this.setState({ shown: !shown })}>
              <Icon name={shown ? 'eye-off' : 'eye'} />
            </button>
          </div>
        </div>
        <Button kind="primary" type="submit" working={working} disabled={working}>Sign in</Button>
      </form>
    );
  }
}

export class SignIn extends Component {
  override componentDidMount() {
    setTitle('Sign in');
  }

  override render() {
    return (
      <main class="alone">
        <div class="sign-in card">
          <svg class="sign-in-mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
            <rect width="32" height="32" rx="9" class="brand-tile" />
            <path d="M16 7a9 9 0 1 0 9 9M16 11v5.2l3.4 2.2" class="brand-line" />
            <circle cx="23.5" cy="8.5" r="2.6" class="brand-dot" />
          </svg>
          <h1>Sign in to Scheduler</h1>
          <p class="sub">Plan your TikTok posts; they go out on the second.</p>
          <Form />
        </div>
      </main>
    );
  }
}

export function SignInDialog() {
  const email = session.value?.user.email ?? '';
  return (
    <Dialog title="Your session has ended" onClose={() => undefined} firm>
      <p>Sign in again to go on where you were. Nothing you wrote is lost.</p>
      <Form email={email} />
    </Dialog>
  );
}
