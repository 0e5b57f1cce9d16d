/** Pictures: a Vega-Lite specification to an SVG, without a browser. */
import { parse, View } from 'vega';
import { compile } from 'vega-lite';
import type { TopLevelSpec } from 'vega-lite';

/** The SVG of a specification (https://vega.github.io/vega-lite/docs/spec.html) whose data is inline. */
export async function toSvg(spec: TopLevelSpec): Promise<string> {
  const view = new View(parse(compile({ background: 'white', ...spec }).spec), { renderer: 'none' });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
