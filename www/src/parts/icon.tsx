import sprite from '../../public/icons.svg';

/** A drawing from our sprite; never the only carrier of a meaning. */
export function Icon({ name, class: cls = '' }: { name: string; class?: string }) {
  return (
    <svg class={`icon ${name === 'spinner' ? 'spin' : ''} ${cls}`} aria-hidden="true" focusable="false">
      <use href={`${sprite}#${name}`} />
    </svg>
  );
}
