// SPDX-License-Identifier: BSD-2-Clause
// `make bench-record`: writes down what the tests compare with.
import { countPrograms } from './counts.js';
import { record } from './recorded.js';

record('counts.json', countPrograms());
