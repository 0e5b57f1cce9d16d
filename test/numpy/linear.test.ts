/** linear: every function against NumPy. */
import { testGroup } from './fixtures-a.js';

testGroup('linear');
