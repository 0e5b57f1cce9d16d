/** Random programs, half 2 of two, so that two cores share them. */
import { programTests } from './programs.js';

programTests(1, 2);
