// Decoded pictures all over the map: what each place of the plane would become.
import type { Study } from "../../state/study";
import { moveTo } from "../../maths/plane";
import { pixels } from "../Picture";
import { sightOf } from "../sight";
import { toPlane, type Frame } from "./camera";
import type { Look } from "./base";

/** Side of a tile, in CSS pixels, and decodes asked for at once. */
const SIDE = 40;
const BATCH = 12;

/** Draws tile after tile, between the decodes of dragging; stops when `stale` says so. */
export async function drawTiles(
  canvas: HTMLCanvasElement,
  study: Study,
  frame: Frame,
  look: Look,
  stale: () => boolean,
): Promise<void> {
  const context = canvas.getContext("2d")!;
  const columns = Math.max(4, Math.round(frame.width / SIDE));
  const rows = Math.max(4, Math.round(frame.height / SIDE));
  const [w, h] = [canvas.width / columns, canvas.height / rows];
  const cells: [number, number][] = [];
  for (let j = 0; j < rows; j++) for (let i = 0; i < columns; i++) cells.push([i, j]);
  // From the middle outwards: what is looked at comes first.
  const far = ([i, j]: [number, number]) => Math.hypot(i - (columns - 1) / 2, j - (rows - 1) / 2);
  cells.sort((p, q) => far(p) - far(q));
  const label = study.label.value;
  const z = study.code.value as Float32Array;
  const tile = document.createElement("canvas");
  context.imageSmoothingEnabled = true;
  for (let k = 0; k < cells.length; k += BATCH) {
    const some = cells.slice(k, k + BATCH);
    const codes = some.map(([i, j]) =>
      moveTo(
        study.plane.value,
        z,
        toPlane(frame, [((i + 0.5) / columns) * frame.width, ((j + 0.5) / rows) * frame.height]),
      ),
    );
    const made = await study.model.decode(codes, label);
    if (stale()) return;
    made.items.forEach((data, m) => {
      const sight = sightOf(study.info, data, made.shape);
      if (!sight) return;
      const image = pixels(sight, look.dark);
      tile.width = image.width;
      tile.height = image.height;
      tile.getContext("2d")!.putImageData(image, 0, 0);
      const [i, j] = some[m];
      context.drawImage(tile, Math.floor(i * w), Math.floor(j * h), Math.ceil(w), Math.ceil(h));
    });
  }
}
