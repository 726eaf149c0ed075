// Histograms: how many values fall into each of even bins.

/** Counts in `bins` even bins over [low, high]; what lies outside is left out. `stride` steps through rows. */
export function histogram(
  data: ArrayLike<number>,
  low: number,
  high: number,
  bins: number,
  offset = 0,
  stride = 1,
): Float32Array {
  const counts = new Float32Array(bins);
  const scale = bins / (high - low || 1);
  for (let i = offset; i < data.length; i += stride) {
    const bin = Math.floor((data[i] - low) * scale);
    if (bin >= 0 && bin < bins) counts[bin]++;
    else if (data[i] === high) counts[bins - 1]++;
  }
  return counts;
}

/** The value below which a share of the values lies; at most 20,000 of them are looked at. */
export function quantile(data: ArrayLike<number>, share: number, offset = 0, stride = 1): number {
  const count = Math.floor((data.length - offset + stride - 1) / stride);
  const skip = Math.max(1, Math.ceil(count / 20000));
  const values: number[] = [];
  for (let n = 0; n < count; n += skip) values.push(data[offset + n * stride]);
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.min(sorted.length - 1, Math.round(share * (sorted.length - 1))))] ?? 0;
}
