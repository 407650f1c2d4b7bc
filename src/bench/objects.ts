// SPDX-License-Identifier: BSD-2-Clause
// Where the benchmarks' own BPF programs lie; `make` compiles them, `make install` brings them.
import { fileURLToPath } from 'node:url';

export const BENCH_OBJECT = fileURLToPath(new URL('../../bench/stream.o', import.meta.url));
