// SPDX-License-Identifier: BSD-2-Clause
// Where the benchmarks' own BPF programs lie; `make` compiles them, `make install` brings them.
import { fileURLToPath } from 'node:url';

/** stream.bpf.c */
export const BENCH_OBJECT = fileURLToPath(new URL('../../bench/stream.o', import.meta.url));
/** cost.bpf.c */
export const COST_OBJECT = fileURLToPath(new URL('../../bench/cost.o', import.meta.url));
