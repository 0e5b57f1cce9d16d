/** The page: it shows what the worker reports, and tells it what the visitor wants. */
import { percent } from '../lib/percent.js';
import { curve } from './curves.js';
import { CLASSES, FILTERS, SHOWN, SIDE } from './messages.js';
import type { DeviceName, Evaluated, Progress, Ready, Recognised, Report, Wanted } from './messages.js';
import type { NetworkName } from './networks.js';
import { pad } from './pad.js';
import { paintInk, paintWeights } from './pictures.js';

/** The element of an id, which the page has. */
function element<E extends HTMLElement>(id: string, type: new () => E): E {
  const found = document.getElementById(id);
  if (found instanceof type) return found;
  throw new Error(`index.html has no ${type.name} #${id}`);
}
const set = (id: string, text: string): void => {
  element(id, HTMLElement).textContent = text;
};
const whole = (value: number): string => Math.round(value).toLocaleString('en');

const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
const wanted: Wanted = { network: 'mlp', device: 'cpu', paused: false, run: 0, drawing: null };
function want(change: Partial<Wanted>): void {
  Object.assign(wanted, change);
  worker.postMessage(change);
}

const lossCurve = curve(element('loss-curve', HTMLElement), {
  title: 'Loss',
  format: String,
  grid: [0.01, 0.03, 0.1, 0.3, 1, 3],
  scale: Math.log,
});
const accuracyCurve = curve(element('accuracy-curve', HTMLElement), {
  title: 'Test accuracy',
  format: (y) => percent(y, 0),
  grid: [0, 0.25, 0.5, 0.75, 1],
});

/** What is said of the device. */
let where = '';
const compiling = (isCompiling: boolean): void => set('status', isCompiling ? `${where} Compiling …` : where);

// Choices and buttons.

const form = element('controls', HTMLFormElement);
const [pauseButton, restartButton] = [element('pause', HTMLButtonElement), element('restart', HTMLButtonElement)];

function begin(network: NetworkName): void {
  lossCurve.clear();
  accuracyCurve.clear();
  for (const id of ['accuracy', 'loss', 'seen', 'rate']) set(id, '–');
  compiling(true);
  want({ network, run: wanted.run + 1 });
}
function pause(paused: boolean): void {
  pauseButton.textContent = paused ? 'Go on' : 'Pause';
  want({ paused });
}
pauseButton.addEventListener('click', () => pause(!wanted.paused));
restartButton.addEventListener('click', () => begin(wanted.network));
form.addEventListener('change', () => {
  const choices = new FormData(form);
  const network = choices.get('network') as NetworkName;
  const device = choices.get('device') as DeviceName;
  if (network !== wanted.network) begin(network);
  if (device !== wanted.device) {
    set('rate', '–');
    compiling(true);
    want({ device });
  }
});
const choice = (name: string, value: string): HTMLInputElement | null =>
  form.querySelector(`input[name=${name}][value=${value}]`);

// The pad.

const rows = Array.from({ length: CLASSES }, (_, digit) => {
  const row = document.createElement('li');
  row.innerHTML = `<b>${digit}</b><i></i><span></span>`;
  return row;
});
element('probabilities', HTMLOListElement).append(...rows);

function showProbabilities(probabilities: ArrayLike<number> | null): void {
  const best = probabilities === null ? -1 : Array.from(probabilities).indexOf(Math.max(...Array.from(probabilities)));
  for (const [digit, row] of rows.entries()) {
    const p = probabilities?.[digit] ?? 0;
    row.classList.toggle('best', digit === best);
    row.style.setProperty('--p', p.toFixed(3));
    const text = row.querySelector('span');
    if (text !== null) text.textContent = probabilities === null ? '' : percent(p, 0);
  }
}
const drawn = pad(element('pad', HTMLCanvasElement), (drawing) => {
  want({ drawing });
  if (drawing === null) showProbabilities(null);
});
element('clear', HTMLButtonElement).addEventListener('click', () => drawn.clear());

// What the worker reports.

/** They are there from the start, so that nothing moves when the digits come. */
const samples = Array.from({ length: SHOWN }, () => {
  const figure = document.createElement('figure');
  figure.innerHTML = `<canvas class="ink" width="${SIDE}" height="${SIDE}"></canvas><figcaption>–</figcaption>`;
  return figure;
});
element('samples', HTMLElement).append(...samples);
let labels: Uint8Array = new Uint8Array();

function ready(message: Ready): void {
  const { device, gpu } = message;
  wanted.device = device;
  const here = choice('device', device);
  if (here !== null) here.checked = true;
  for (const [name, there] of [
    ['webgpu', 'name' in gpu],
    ['cpu', true],
  ] as const) {
    const input = choice('device', name);
    if (input !== null) input.disabled = !there;
  }
  pauseButton.disabled = restartButton.disabled = false;
  // The first sentence says why; the rest, what to do about it in a program.
  const why = 'missing' in gpu ? (/^requestDevice: (.*?[.])/.exec(gpu.missing)?.[1] ?? gpu.missing) : '';
  where = 'name' in gpu ? `The GPU is ${gpu.name}.` : `It trains on the CPU, for no GPU can be used: ${why}`;
  element('status', HTMLElement).classList.toggle('notice', 'missing' in gpu);
  compiling(true);
  labels = message.labels;
  for (const [i, figure] of samples.entries()) {
    const canvas = figure.querySelector('canvas');
    if (canvas !== null) paintInk(canvas, message.pixels.subarray(i * SIDE * SIDE, (i + 1) * SIDE * SIDE), 255);
  }
}

function progress({ seen, loss, imagesPerSecond }: Progress): void {
  compiling(false);
  set('seen', whole(seen));
  set('loss', loss.toPrecision(3));
  set('rate', whole(imagesPerSecond));
  lossCurve.add(seen, loss);
}

function evaluated({ seen, accuracy, guesses, filters }: Evaluated): void {
  set('accuracy', percent(accuracy));
  accuracyCurve.add(seen, accuracy);
  let wrong = 0;
  for (const [i, figure] of samples.entries()) {
    const [guess, label] = [guesses[i], labels[i]];
    const isWrong = guess !== label;
    wrong += Number(isWrong);
    figure.classList.toggle('wrong', isWrong);
    figure.title = `${label}, taken for ${guess}`;
    const caption = figure.querySelector('figcaption');
    if (caption !== null) caption.textContent = String(guess);
  }
  set('wrong', `${wrong} of ${samples.length} wrong`);
  paintWeights(element('weights', HTMLCanvasElement), filters, FILTERS, 8);
}

function recognised({ probabilities }: Recognised): void {
  if (wanted.drawing !== null) showProbabilities(probabilities);
}

function failed(message: string): void {
  const status = element('status', HTMLElement);
  status.className = 'notice';
  status.textContent = message;
}

worker.onerror = ({ message }) => failed(message);
worker.onmessage = ({ data }: MessageEvent<Report>) => {
  // What is left of a run that was given up is not shown.
  if ('run' in data && data.run !== wanted.run) return;
  switch (data.kind) {
    case 'ready':
      ready(data);
      break;
    case 'progress':
      progress(data);
      break;
    case 'evaluated':
      evaluated(data);
      break;
    case 'recognised':
      recognised(data);
      break;
    case 'failed':
      failed(data.message);
      break;
  }
};
