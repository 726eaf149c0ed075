// The vocoder's worker.
import { griffinLim } from "../maths/waveform";
import type { Spectrogram } from "./vocoder";

const scope = self as unknown as {
  postMessage(message: unknown, transfer: Transferable[]): void;
  onmessage: ((event: MessageEvent<Spectrogram & { id: number }>) => void) | null;
};
scope.onmessage = ({ data: { id, mel, log, frames } }) => {
  const wave = griffinLim(mel, log, frames);
  scope.postMessage({ id, wave }, [wave.buffer]);
};
