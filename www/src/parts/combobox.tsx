// A select-only combobox after the ARIA pattern. A native select cannot show why an option is disabled, on touch
// and by keyboard too, and TikTok's reviewers ask for that.
import { Component, createRef } from 'preact';
import { Icon } from './icon';

export interface Choice {
  value: string;
  label: string;
  hint: string;
  /** Why it cannot be chosen. */
  disabled?: string | undefined;
}

interface Props {
  id: string;
  labelId: string;
  describedBy: string;
  placeholder: string;
  value: string | null;
  choices: Choice[];
  invalid: boolean;
  disabled: boolean;
  onChange: (value: string) => void;
}

export class Combobox extends Component<Props, { open: boolean; at: number }> {
  override state = { open: false, at: 0 };
  private readonly box = createRef<HTMLDivElement>();
  private readonly button = createRef<HTMLDivElement>();

  override componentDidMount() {
    document.addEventListener('pointerdown', this.outside);
  }

  override componentWillUnmount() {
    document.removeEventListener('pointerdown', this.outside);
  }

  private readonly outside = (e: Event) => {
    if (this.state.open && !this.box.current?.contains(e.target as Node)) this.setState({ open: false });
  };

  private show(at?: number) {
    if (this.props.disabled) return;
    const chosen = this.props.choices.findIndex((c) => c.value === this.props.value);
    this.setState({ open: true, at: at ?? Math.max(0, chosen) });
  }

  private choose(i: number) {
    const c = this.props.choices[i];
    if (!c || c.disabled) return;
    this.props.onChange(c.value);
    this.setState({ open: false });
    this.button.current?.focus();
  }

  private readonly keys = (e: KeyboardEvent) => {
    const { open, at } = this.state;
    const last = this.props.choices.length - 1;
    const move: Record<string, number> = { ArrowDown: Math.min(last, at + 1), ArrowUp: Math.max(0, at - 1), Home: 0, End: last, PageDown: last, PageUp: 0 };
    if (e.key === 'Escape' && open) {
      e.stopPropagation();
      this.setState({ open: false });
    } else if (e.key === 'Tab') {
      if (open) this.setState({ open: false });
      return;
    } else if (e.key === 'Enter' || e.key === ' ') {
      if (open) this.choose(at);
      else this.show();
    } else if (e.key in move) {
      if (open) this.setState({ at: move[e.key] ?? 0 });
      else this.show(e.key === 'End' ? last : e.key === 'Home' ? 0 : undefined);
    } else if (/^\p{L}$/u.test(e.key) && !e.ctrlKey && !e.metaKey) {
      const i = this.props.choices.findIndex((c) => c.label.toLowerCase().startsWith(e.key.toLowerCase()));
      if (i >= 0) this.show(i);
    } else {
      return;
    }
    e.preventDefault();
  };

  override render() {
    const { id, labelId, describedBy, placeholder, value, choices, invalid, disabled } = this.props;
    const { open, at } = this.state;
    const chosen = choices.find((c) => c.value === value);
    return (
      <div class="combo" ref={this.box}>
        <div
          ref={this.button} id={id} class="input combo-button" role="combobox" tabIndex={disabled ? -1 : 0}
          aria-haspopup="listbox" aria-expanded={open} aria-controls={`${id}-list`} aria-labelledby={`${labelId} ${id}`}
          aria-describedby={describedBy} aria-invalid={invalid || undefined} aria-disabled={disabled || undefined} aria-required="true"
          aria-activedescendant={open ? `${id}-${at}` : undefined}
          onClick={() => (open ? this.setState({ open: false }) : this.show())} onKeyDown={this.keys}
        >
          <span class={chosen ? '' : 'placeholder'}>{chosen?.label ?? placeholder}</span>
          <Icon name="chevron" />
        </div>
        <div id={`${id}-list`} class="combo-list" role="listbox" aria-labelledby={labelId} hidden={!open}>
          {choices.map((c, i) => (
            <div
              key={c.value} id={`${id}-${i}`} role="option" class={`combo-option ${i === at ? 'at' : ''}`} title={c.disabled}
              aria-selected={c.value === value} aria-disabled={c.disabled ? true : undefined}
              onPointerMove={() => this.state.at !== i && this.setState({ at: i })} onClick={() => this.choose(i)}
            >
              <span class="combo-label">{c.label}</span>
              <span class="hint">{c.disabled ?? c.hint}</span>
              {c.value === value && <Icon name="tick" />}
            </div>
          ))}
        </div>
      </div>
    );
  }
}
