/** Makes the embedded `cpu` device the default and the compiler the evaluator of eager operations. */
import '../core/print.js';
import { setDefaultDevice } from '../core/concrete.js';
import { setEvaluator } from '../core/trace.js';
import { evaluate } from '../compiler/eager.js';
import { cpu } from './wasm/device.js';

setDefaultDevice(cpu);
setEvaluator(evaluate);
