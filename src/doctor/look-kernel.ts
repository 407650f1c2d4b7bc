// SPDX-License-Identifier: BSD-2-Clause
// Looks at the kernel: features by trying them rather than by version, since distributions carry back.
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { existing } from '../kernel/pins.js';
import {
  ifNameToIndex,
  isNativeError,
  libbpfVersion,
  probeHelper,
  probeMapType,
  tcxQuery,
} from '../native/index.js';
import type { CallerSight, KernelSight } from './sight.js';

/** Source: linux/bpf.h, enum bpf_prog_type. */
const SCHED_CLS = 3;
const XDP = 6;

/** What the programs stand on. Source: linux/bpf.h, enum bpf_func_id and bpf_map_type. */
const HELPERS = [
  { name: 'bpf_spin_lock', type: SCHED_CLS, id: 93 },
  { name: 'bpf_redirect_peer', type: SCHED_CLS, id: 155 },
  { name: 'bpf_timer', type: SCHED_CLS, id: 169 },
  { name: 'XDP in several buffers', type: XDP, id: 188 },
  { name: 'bpf_fib_lookup', type: XDP, id: 69 },
] as const;
const MAP_TYPES = [
  { name: 'LRU hash maps', type: 9 },
  { name: 'LPM trie maps', type: 11 },
  { name: 'device maps', type: 14 },
  { name: 'ring buffers', type: 27 },
] as const;

/** @param xdpFeatures Whether the netdev family answered. Errors: PERMISSION without CAP_BPF and CAP_NET_ADMIN. */
export function lookAtKernel(xdpFeatures: boolean): KernelSight {
  return {
    release: release(),
    libbpf: libbpfVersion(),
    node: process.version,
    btf: existing('/sys/kernel/btf/vmlinux'),
    jit: readSysctl('net', 'core', 'bpf_jit_enable'),
    features: [
      ...HELPERS.map(({ name, type, id }) => ({ name, present: probeHelper(type, id) })),
      ...MAP_TYPES.map(({ name, type }) => ({ name, present: probeMapType(type) })),
    ],
    tcx: hasTcx(),
    xdpFeatures,
  };
}

/** Every namespace has a loopback; a kernel without TCX does not know the question. */
function hasTcx(): boolean {
  try {
    tcxQuery(ifNameToIndex('lo'), 'ingress');
    return true;
  } catch (error) {
    if (isNativeError(error) && error.code === 'EINVAL') return false;
    throw error;
  }
}

export function lookAtCaller(): CallerSight {
  const status = readFileSync('/proc/self/status', 'utf8');
  return { uid: process.geteuid?.() ?? 0, capabilities: effectiveCapabilities(status) };
}

/** @param status Of /proc/PID/status. */
export const effectiveCapabilities = (status: string): string =>
  /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0';

/**
 * A sysctl of this process's network namespace, wherever /proc was mounted; null: not here, or not to be read.
 * @param parts Apart, since a device's name may have dots.
 */
export function readSysctl(...parts: readonly string[]): string | null {
  try {
    return readFileSync(['/proc/sys', ...parts].join('/'), 'utf8').trim();
  } catch {
    return null;
  }
}
