// Files by dropping or by the file dialog; both end in startUpload.
import { Component } from 'preact';
import type { ComponentChildren } from 'preact';
import { ACCEPT_VIDEO, startUpload } from '../uploads';
import type { Upload } from '../uploads';
import { toast } from '../toasts';

function take(files: Iterable<File>, use?: (u: Upload) => void): void {
  for (const f of files) {
    const r = startUpload(f);
    if ('refused' in r) toast(`${f.name}: ${r.refused}`, 'bad');
    else use?.(r.upload);
  }
}

/** Opens the browser's file dialog. */
export function pickFiles(use?: (u: Upload) => void, single = false): void {
  const input = document.createElement('input');
  input.type = 'file';
  input.accept = ACCEPT_VIDEO;
  input.multiple = !single;
  input.onchange = () => take(input.files ?? [], use);
  input.click();
}

interface Props {
  children: ComponentChildren;
  /** Wraps a whole screen: the frame is only seen while something is dragged over it. */
  whole?: boolean;
  use?: (u: Upload) => void;
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
    take(e.dataTransfer?.files ?? [], this.props.use);
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
