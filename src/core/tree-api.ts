/** `tree`: pytrees as users see them. */
export {
  flatten, flattenWithPath, leaves, leavesWithPath, map, mapWithPath, reduce, registerClass, showPath, structure, transpose,
  TreeDef, unflatten, type ClassHandlers, type MapTree, type Path, type Tree,
} from './tree.js';
