// Player: one sound at a time; a new one fades in over the old.
import { signal } from "@preact/signals";

/** Seconds of a fade: short enough to follow a hand, long enough not to click. */
const FADE = 0.04;

let context: AudioContext | null = null;
let current: { source: AudioBufferSourceNode; gain: GainNode } | null = null;
export const playing = signal(false);

export function play(wave: Float32Array<ArrayBuffer>, rate: number): void {
  context ??= new AudioContext();
  void context.resume();
  const buffer = context.createBuffer(1, wave.length, rate);
  buffer.copyToChannel(wave, 0);
  const source = context.createBufferSource();
  const gain = context.createGain();
  source.buffer = buffer;
  source.connect(gain).connect(context.destination);
  gain.gain.setValueAtTime(0, context.currentTime);
  gain.gain.linearRampToValueAtTime(1, context.currentTime + FADE);
  fadeOut();
  const mine = { source, gain };
  current = mine;
  playing.value = true;
  source.onended = () => {
    if (current === mine) {
      current = null;
      playing.value = false;
    }
  };
  source.start();
}

export function stop(): void {
  fadeOut();
  current = null;
  playing.value = false;
}

function fadeOut(): void {
  if (!current || !context) return;
  current.gain.gain.linearRampToValueAtTime(0, context.currentTime + FADE);
  current.source.stop(context.currentTime + 2 * FADE);
}
