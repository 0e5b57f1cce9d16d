/** einsum: every function against NumPy. */
import { testGroup } from './fixtures-a.js';

testGroup('einsum');
