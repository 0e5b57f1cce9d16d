/** Random programs, half 1 of two, so that two cores share them. */
import { programTests } from './programs.js';

programTests(0, 2);
