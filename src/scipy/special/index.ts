/** Special functions by the names of `scipy.special`, in camel case; all are differentiable where the function is. */
export { erf, erfc, erfinv, ndtr, logNdtr } from './error.js';
export { ndtri } from './quantile.js';
export { gammaln, digamma, psi, polygamma, betaln, multigammaln, gammainc, gammaincc, zeta } from './gamma.js';
export { i0, i0e, i1, i1e } from './bessel.js';
export { expit, logit, logExpit, softplus } from './logistic.js';
export { xlogy, xlog1py, entr, relEntr, klDiv } from './entropy.js';
export { logsumexp, softmax, logSoftmax, type LogsumexpOptions, type SoftmaxOptions } from './softmax.js';
