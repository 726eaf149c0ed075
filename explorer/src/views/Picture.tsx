// Picture: numbers as pixels.
import { useLayoutEffect, useRef } from "preact/hooks";
import { dark } from "../state/settings";
import { amount } from "../maths/colours";

export interface Sight {
  data: ArrayLike<number>;
  /** (C, H, W). */
  shape: number[];
  low: number;
  high: number;
  /** A spectrogram: low bands at the bottom, amounts as colours. */
  spectrogram?: boolean;
}

/** RGBA of a picture or a spectrogram. */
export function pixels({ data, shape, low, high, spectrogram }: Sight, night: boolean): ImageData {
  const [channels, height, width] = shape.length === 3 ? shape : [1, ...shape.slice(-2)];
  const image = new ImageData(width, height);
  const plane = width * height;
  const scale = 1 / (high - low || 1);
  for (let i = 0; i < plane; i++) {
    const k = 4 * i;
    image.data[k + 3] = 255;
    if (spectrogram) {
      const from = (height - 1 - Math.floor(i / width)) * width + (i % width);
      const [r, g, b] = amount((data[from] - low) * scale, night);
      image.data[k] = r;
      image.data[k + 1] = g;
      image.data[k + 2] = b;
    } else {
      for (let c = 0; c < 3; c++)
        image.data[k + c] = 255 * (data[(channels >= 3 ? c : 0) * plane + i] - low) * scale;
    }
  }
  return image;
}

/** A canvas with the picture in it; hidden from screen readers where `alt` is empty. */
export function Picture({ sight, alt, smooth }: { sight: Sight | null; alt: string; smooth?: boolean }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const night = dark.value;
  useLayoutEffect(() => {
    const element = canvas.current;
    if (!element || !sight) return;
    const image = pixels(sight, night);
    if (element.width !== image.width) element.width = image.width;
    if (element.height !== image.height) element.height = image.height;
    element.getContext("2d")!.putImageData(image, 0, 0);
  });
  const role = alt ? { role: "img" as const, "aria-label": alt } : { "aria-hidden": true as const };
  return <canvas ref={canvas} class={`picture${smooth ? " smooth" : ""}`} {...role} />;
}
