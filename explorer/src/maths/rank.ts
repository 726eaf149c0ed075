// Latent dimensions in the order of the information that they carry.

/** Mean KL, in nats, below which a dimension counts as dead. */
export const DEAD_BELOW = 0.01;

export interface Ranked {
  /** Live dimensions, the most informative first. */
  live: number[];
  /** Dimensions that carry nothing. */
  dead: number[];
}

/** Dimensions `start` to `start + size`, by rate where it is known, else by the spread of the codes. */
export function rank(
  start: number,
  size: number,
  rate: ArrayLike<number> | null,
  spread: ArrayLike<number> | null,
): Ranked {
  const all = Array.from({ length: size }, (_, i) => start + i);
  const weight = rate ?? spread;
  if (!weight) return { live: all, dead: [] };
  const sorted = all.sort((a, b) => weight[b] - weight[a] || a - b);
  const isDead = (d: number) => (rate ? !(rate[d] >= DEAD_BELOW) : !(weight[d] > 1e-6));
  const live = sorted.filter((d) => !isDead(d));
  return live.length ? { live, dead: sorted.filter(isDead) } : { live: sorted, dead: [] };
}
