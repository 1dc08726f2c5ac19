// A menu button after the ARIA pattern. The list is a popover, so that no table or drawer cuts it off; its place is
// set through the style object, which our content security policy allows where it forbids style attributes.
import { Component, createRef } from 'preact';
import { Icon } from './icon';

export interface MenuItem {
  text: string;
  icon: string;
  danger?: boolean;
  run: () => void;
}

let lastId = 0;
const GAP = 4;

export class Menu extends Component<{ label: string; items: MenuItem[] }, { open: boolean }> {
  override state = { open: false };
  private readonly button = createRef<HTMLButtonElement>();
  private readonly list = createRef<HTMLDivElement>();
  private readonly id = `menu-${++lastId}`;

  private entries(): HTMLElement[] {
    return [...(this.list.current?.querySelectorAll<HTMLElement>('[role=menuitem]') ?? [])];
  }

  private readonly place = () => {
    const list = this.list.current;
    const from = this.button.current?.getBoundingClientRect();
    if (!list || !from) return;
    const size = list.getBoundingClientRect();
    const below = from.bottom + GAP + size.height <= innerHeight;
    list.style.top = `${below ? from.bottom + GAP : Math.max(GAP, from.top - GAP - size.height)}px`;
    list.style.left = `${Math.max(GAP, Math.min(from.right - size.width, innerWidth - size.width - GAP))}px`;
  };

  private readonly toggled = (e: ToggleEvent) => {
    const open = e.newState === 'open';
    this.setState({ open });
    if (open) {
      this.place();
      this.entries()[0]?.focus();
      addEventListener('scroll', this.hide, { once: true, capture: true });
    }
  };

  private readonly hide = () => this.list.current?.hidePopover();

  private readonly keys = (e: KeyboardEvent) => {
    const all = this.entries();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const go: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 };
    if (e.key in go) {
      e.preventDefault();
      all[((go[e.key] ?? 0) + all.length) % all.length]?.focus();
    } else if (e.key === 'Escape' || e.key === 'Tab') {
      if (e.key === 'Escape') e.stopPropagation();
      this.hide();
      this.button.current?.focus();
    }
  };

  override componentDidMount() {
    this.list.current?.addEventListener('toggle', this.toggled as EventListener);
  }

  override render() {
    const { label, items } = this.props;
    return (
      <>
        <button
          ref={this.button} type="button" class="icon-btn" aria-label={label} title={label} aria-haspopup="menu"
          aria-expanded={this.state.open} aria-controls={this.id}
          onClick={(e) => {
            e.stopPropagation();
            this.list.current?.togglePopover();
          }}
        >
          <Icon name="more" />
        </button>
        <div ref={this.list} id={this.id} class="menu" role="menu" aria-label={label} popover="auto" onKeyDown={this.keys}>
          {items.map((i) => (
            <button
              key={i.text} type="button" role="menuitem" class={i.danger ? 'danger' : ''} tabIndex={-1}
              onClick={() => {
                this.hide();
                this.button.current?.focus();
                i.run();
              }}
            >
              <Icon name={i.icon} /> {i.text}
            </button>
          ))}
        </div>
      </>
    );
  }
}
