// Files by dropping or by the file dialog; both end in startUpload.
import { Component } from 'preact';
import type { ComponentChildren } from 'preact';
import { ACCEPT, startUpload } from '../uploads';
import type { Upload } from '../uploads';
import { toast } from '../toasts';
import type { Kind } from '../types';

/** Which of the files are wanted, and in words why others are not. */
export type Sieve = (files: File[]) => { take: File[]; refused: string | null };

interface Taking {
  use?: ((u: Upload) => void) | undefined;
  sieve?: Sieve | undefined;
}

function take(files: Iterable<File>, { use, sieve }: Taking): void {
  const wanted = sieve ? sieve([...files]) : { take: [...files], refused: null };
  if (wanted.refused) toast(wanted.refused, 'bad');
  for (const f of wanted.take) {
    const r = startUpload(f);
    if ('refused' in r) toast(`${f.name}: ${r.refused}`, 'bad');
    else use?.(r.upload);
  }
}

/** Opens the browser's file dialog, for one kind of file or both. */
export function pickFiles({ kind, single = false, ...taking }: Taking & { kind?: Kind | undefined; single?: boolean } = {}): void {
  const input = document.createElement('input');
  input.type = 'file';
  input.accept = kind ? ACCEPT[kind] : `${ACCEPT.video},${ACCEPT.photo}`;
  input.multiple = !single;
  input.onchange = () => take(input.files ?? [], taking);
  input.click();
}

interface Props {
  children: ComponentChildren;
  /** Wraps a whole screen: the frame is only seen while something is dragged over it. */
  whole?: boolean;
  use?: (u: Upload) => void;
  sieve?: Sieve;
}

export class DropZone extends Component<Props, { over: boolean }> {
  override state = { over: false };
  private depth = 0;

  private readonly enter = (e: DragEvent) => {
    if (!e.dataTransfer?.types.includes('Files')) return;
    e.preventDefault();
    this.depth += 1;
    this.setState({ over: true });
  };

  private readonly leave = () => {
    this.depth = Math.max(0, this.depth - 1);
    if (this.depth === 0) this.setState({ over: false });
  };

  private readonly drop = (e: DragEvent) => {
    e.preventDefault();
    this.depth = 0;
    this.setState({ over: false });
    take(e.dataTransfer?.files ?? [], { use: this.props.use, sieve: this.props.sieve });
  };

  override render() {
    const cls = `${this.props.whole ? 'drop-whole' : 'drop'} ${this.state.over ? 'over' : ''}`;
    return (
      <div class={cls} onDragEnter={this.enter} onDragLeave={this.leave} onDragOver={(e) => e.preventDefault()} onDrop={this.drop}>
        {this.props.children}
      </div>
    );
  }
}
