// Randomness that the same seed repeats: a generator of 32 bits (mulberry32), and forks of
// it by name, so that what one actor draws does not depend on when another one did.
const hash = (text, seed) => [...text].reduce((sum, char) => Math.imul(sum ^ char.codePointAt(0), 0x01000193), seed ^ 0x811c9dc5) >>> 0;

export class Dice {
  constructor(seed) {
    this.seed = seed >>> 0;
    this.state = this.seed;
  }

  fork(name) {
    return new Dice(hash(name, this.seed));
  }

  /** From 0 on, below 1. */
  roll() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let x = this.state;
    x = Math.imul(x ^ (x >>> 15), x | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from low to high. */
  between(low, high) {
    return low + Math.floor(this.roll() * (high - low + 1));
  }

  chance(probability) {
    return this.roll() < probability;
  }

  pick(list) {
    return list[this.between(0, list.length - 1)];
  }

  /** One of [[weight, thing], …]. */
  weighed(choices) {
    let left = this.roll() * choices.reduce((sum, [weight]) => sum + weight, 0);
    return choices.find(([weight]) => (left -= weight) < 0)?.[1] ?? choices.at(-1)[1];
  }
}
