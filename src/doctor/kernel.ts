// SPDX-License-Identifier: BSD-2-Clause
// The kernel: is it new enough, and does it have what the programs stand on.
import { fail, ok, some, warn, type Verdict } from './finding.js';
import type { Sight } from './sight.js';

export function kernelVersion({ kernel }: Pick<Sight, 'kernel'>): Verdict[] {
  const { release, libbpf, node } = kernel;
  const [major = 0, minor = 0] = release.split('.').map(Number);
  const known = `Linux ${release}, libbpf ${libbpf}, Node ${node}`;
  if (major > 5 || (major === 5 && minor >= 18)) return [ok('version', known)];
  const cure = '# install a kernel of 5.18 or later: earlier ones have no XDP in several buffers';
  return [fail('version', known, cure)];
}

export function kernelBtf({ kernel }: Pick<Sight, 'kernel'>): Verdict[] {
  if (kernel.btf) return [ok('BTF', 'describes its types')];
  const detail = 'no /sys/kernel/btf/vmlinux: timers and locks in maps cannot be loaded';
  return [fail('BTF', detail, '# run a kernel built with CONFIG_DEBUG_INFO_BTF=y')];
}

export function kernelFeatures({ kernel }: Pick<Sight, 'kernel'>): Verdict[] {
  const missing = kernel.features.filter(({ present }) => !present).map(({ name }) => name);
  const names = kernel.features.map(({ name }) => name);
  if (missing.length === 0) return [ok('features', names.join(', '))];
  const cure = '# run a kernel of 5.18 or later with CONFIG_BPF_SYSCALL, CONFIG_NET_CLS_ACT and CONFIG_INET';
  return [fail('features', `this kernel has no ${missing.join(', no ')}: havip cannot be loaded`, cure)];
}

/** Neither is wrong: the older way costs a filter's look-up and a gap where a program is replaced. */
export function kernelTc({ kernel }: Pick<Sight, 'kernel'>): Verdict[] {
  const tc = kernel.tcx
    ? 'TCX links: replaced without a gap, gone with their pin'
    : 'clsact filters (TCX is in 6.6)';
  const xdp = kernel.xdpFeatures
    ? 'devices say what they take (netdev family)'
    : 'devices do not say what they take (the netdev family is in 6.3): only taps get frames from XDP';
  return [ok('tc', tc), ok('xdp', xdp)];
}

export function kernelJit({ kernel }: Pick<Sight, 'kernel'>): Verdict[] {
  if (kernel.jit !== '0') return [];
  const detail =
    'the BPF compiler is off: programs are interpreted, several times slower, and some are refused';
  return [warn('JIT', detail, 'sysctl -w net.core.bpf_jit_enable=1')];
}

export function kernelPrograms({ object }: Pick<Sight, 'object'>): Verdict[] {
  const { missing, refused, tags } = object;
  if (missing !== null) return [fail('programs', `${missing} is missing`, 'make && sudo make install')];
  if (refused === null) return [ok('programs', `the verifier accepts ${some([...tags.keys()])}`)];
  const cure = 'HAVIP_DEBUG=1 havip run --config FILE   # shows the whole log';
  return [fail('programs', `the verifier refuses them: ${refused}`, cure)];
}
