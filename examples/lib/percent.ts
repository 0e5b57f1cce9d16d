/** A share in words: 0.5 is "50.0 %". */
export const percent = (share: number, digits = 1): string => `${(100 * share).toFixed(digits)} %`;
