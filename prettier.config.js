/** Formatting, decided once. */
export default {
  printWidth: 120,
  singleQuote: true,
  proseWrap: 'preserve',
};
