// Dialogs on the native element: focus is caught and given back by the browser, Escape closes.
import { signal } from '@preact/signals';
import { Component, createRef } from 'preact';
import type { ComponentChildren } from 'preact';
import { Button, IconButton } from './basics';

interface Props {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  footer?: ComponentChildren;
  /** At the right edge, full height. */
  drawer?: boolean;
  wide?: boolean;
  /** Cannot be closed but by what is inside. */
  firm?: boolean;
}

let lastId = 0;

export class Dialog extends Component<Props> {
  private readonly ref = createRef<HTMLDialogElement>();
  private readonly id = `dialog-${++lastId}`;

  override componentDidMount() {
    this.ref.current?.showModal();
  }

  private readonly onCancel = (e: Event) => {
    e.preventDefault();
    if (!this.props.firm) this.props.onClose();
  };

  private readonly onBackdrop = (e: MouseEvent) => {
    if (e.target === this.ref.current && !this.props.firm) this.props.onClose();
  };

  override render() {
    const { title, onClose, children, footer, drawer, wide, firm } = this.props;
    return (
      <dialog ref={this.ref} class={`${drawer ? 'drawer' : 'dialog'} ${wide ? 'dialog-wide' : ''}`} aria-labelledby={this.id} onCancel={this.onCancel} onMouseDown={this.onBackdrop}>
        <div class="dialog-box">
          <header class="dialog-head">
            <h2 id={this.id}>{title}</h2>
            {!firm && <IconButton icon="close" label="Close" onClick={onClose} />}
          </header>
          <div class="dialog-body" tabIndex={drawer ? 0 : -1}>{children}</div>
          {footer && <footer class="dialog-foot">{footer}</footer>}
        </div>
      </dialog>
    );
  }
}

interface Question {
  title: string;
  body: ComponentChildren;
  confirm: string;
  danger?: boolean;
}

const question = signal<(Question & { answer: (yes: boolean) => void }) | null>(null);

/** Asks before what cannot be undone. */
export function ask(q: Question): Promise<boolean> {
  return new Promise((r) => {
    question.value = {
      ...q,
      answer: (yes) => {
        question.value = null;
        r(yes);
      },
    };
  });
}

export function Questions() {
  const q = question.value;
  if (!q) return null;
  return (
    <Dialog
      title={q.title}
      onClose={() => q.answer(false)}
      footer={
        <>
          <Button onClick={() => q.answer(false)}>Back</Button>
          <Button kind={q.danger ? 'danger' : 'primary'} onClick={() => q.answer(true)}>{q.confirm}</Button>
        </>
      }
    >
      {q.body}
    </Dialog>
  );
}
