// SPDX-License-Identifier: BSD-2-Clause
// The daemon serves the package's own module under this name, beside ours.
export { default } from 'uplot';
