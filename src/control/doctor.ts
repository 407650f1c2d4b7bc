// SPDX-License-Identifier: BSD-2-Clause
// The checks behind `havip doctor`. Each looks at one thing, changes nothing, and names the cure.
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { dirname, join } from 'node:path';
import type { SubnetConfig } from '../config/types.js';
import { HavipError } from '../errors.js';
import { kernelHasTcx } from '../kernel/attachments.js';
import { OBJECT_PATH } from '../kernel/datapath.js';
import { PORT_KIND, TARGET_FLAGS } from '../kernel/layout.gen.js';
import { existing, hasPins, linksFolder, names } from '../kernel/pins.js';
import {
  BpfObject,
  closeFd,
  fsIsBpffs,
  libbpfVersion,
  linkInfo,
  lockOwner,
  openPin,
} from '../native/index.js';
import { listLinks } from '../net/links.js';
import { XdpFeatureWatcher } from '../net/netdev.js';
import { planPorts, type Plan, type WantedPort } from './plan.js';

export interface Check {
  readonly check: string;
  readonly state: 'ok' | 'warn' | 'fail';
  readonly detail: string;
  readonly cure: string | null;
}

export interface DoctorOptions {
  readonly pinPath: string;
  /** Of the configuration; none: only the host is checked. */
  readonly subnets: readonly SubnetConfig[];
}

export async function inspectHost({ pinPath, subnets }: DoctorOptions): Promise<Check[]> {
  const looks: readonly [string, () => Check | Check[] | Promise<Check[]>][] = [
    ['kernel', kernel],
    ['BTF', btf],
    ['privileges', privileges],
    ['BPF programs', programs],
    ['tc hook', tcHook],
    ['bpffs', () => bpffs(pinPath)],
    ['daemon', () => daemon(pinPath)],
    ['attached programs', () => links(pinPath)],
    ['bridge filters', filters],
    ['ports', () => ports(subnets)],
  ];
  const found: Check[] = [];
  for (const [name, look] of looks) found.push(...(await safely(name, look)));
  return found;
}

/** What may not even be looked at is a finding too. */
async function safely(name: string, look: () => Check | Check[] | Promise<Check[]>): Promise<Check[]> {
  try {
    return [await look()].flat();
  } catch (thrown) {
    const { message, code } = HavipError.from(thrown);
    return [fail(name, message, code === 'PERMISSION' ? 'run havip doctor as root' : 'see the message')];
  }
}

const ok = (check: string, detail: string): Check => ({ check, state: 'ok', detail, cure: null });
const warn = (check: string, detail: string, cure: string): Check => ({ check, state: 'warn', detail, cure });
const fail = (check: string, detail: string, cure: string): Check => ({ check, state: 'fail', detail, cure });

function kernel(): Check {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  const known = `Linux ${release()}, libbpf ${libbpfVersion()}, Node ${process.version}`;
  if (major > 5 || (major === 5 && minor >= 18)) return ok('kernel', known);
  return fail('kernel', known, 'run Linux 5.18 or later: earlier ones have no XDP in several buffers');
}

function btf(): Check {
  const path = '/sys/kernel/btf/vmlinux';
  if (existing(path)) return ok('BTF', path);
  return fail('BTF', `${path} is missing`, 'run a kernel built with CONFIG_DEBUG_INFO_BTF=y');
}

function privileges(): Check {
  if (process.geteuid?.() === 0) return ok('privileges', 'root');
  return fail('privileges', `user ${process.geteuid?.() ?? '?'}`, 'run as root');
}

/** Loads and lets go: the verifier of this very kernel has the last word. */
function programs(): Check {
  if (!existing(OBJECT_PATH)) return fail('BPF programs', `${OBJECT_PATH} is missing`, 'build it: make');
  const object = new BpfObject(OBJECT_PATH);
  try {
    object.load();
    return ok('BPF programs', 'accepted by the verifier');
  } catch (error) {
    return fail(
      'BPF programs',
      HavipError.from(error).message,
      'HAVIP_DEBUG=1 havip run ... shows the whole log',
    );
  } finally {
    object.close();
  }
}

function tcHook(): Check {
  if (kernelHasTcx()) return ok('tc hook', 'TCX links: replaced without a gap, gone with their pin');
  return warn('tc hook', 'no TCX before Linux 6.6', 'nothing to do: clsact filters are used instead');
}

function bpffs(pinPath: string): Check {
  const folder = existing(pinPath) ? pinPath : dirname(pinPath);
  if (!existing(folder) || !fsIsBpffs(folder)) {
    return fail(
      'bpffs',
      `${folder} is no BPF file system`,
      `mount -t bpf bpf ${existing(folder) ? folder : '/sys/fs/bpf'}`,
    );
  }
  return ok('bpffs', pinPath);
}

function daemon(pinPath: string): Check {
  if (!existing(pinPath) || !hasPins(pinPath))
    return warn('daemon', 'nothing is loaded', 'havip run --config FILE');
  const pid = lockOwner(pinPath);
  if (pid) return ok('daemon', `process ${pid}`);
  return warn(
    'daemon',
    'the fast path serves alone: no holder change is followed',
    'havip run --config FILE',
  );
}

function links(pinPath: string): Check[] {
  const folder = linksFolder(pinPath);
  const defunct = names(folder).filter((file) => !file.includes('clsact') && isDefunct(join(folder, file)));
  if (defunct.length === 0)
    return existing(folder) ? [ok('attached programs', `${names(folder).length}`)] : [];
  return [
    warn('attached programs', `their device is gone: ${defunct.join(', ')}`, 'start havip: it forgets them'),
  ];
}

function isDefunct(path: string): boolean {
  const fd = openPin(path);
  try {
    return linkInfo(fd).ifindex === 0;
  } finally {
    closeFd(fd);
  }
}

/** br_netfilter sends bridged frames through the host's IP rules; redirected ones go around them. */
function filters(): Check[] {
  const path = '/proc/sys/net/bridge/bridge-nf-call-iptables';
  if (!existing(path) || readFileSync(path, 'utf8').trim() === '0') return [];
  const detail =
    'bridged frames pass the host’s iptables rules (br_netfilter); frames to a HAVIP go around them';
  return [
    warn(
      'bridge filters',
      detail,
      `sysctl net.bridge.bridge-nf-call-iptables=0, unless rules there are meant for guests`,
    ),
  ];
}

async function ports(subnets: readonly SubnetConfig[]): Promise<Check[]> {
  if (subnets.length === 0) return [];
  const features = new XdpFeatureWatcher({ onChange: () => undefined, onError: () => undefined });
  await features.start();
  const found = await listLinks();
  const plan = planPorts(subnets, found, (ifindex) =>
    features.supported ? (features.features.get(ifindex) ?? 0n) : undefined,
  );
  features.stop();
  return [...absent(plan), ...[...plan.ports.values()].map((port) => portCheck(port, plan))];
}

function absent(plan: Plan): Check[] {
  return plan.absent.map(({ kind, name }) =>
    warn(`${kind} ${name}`, 'absent', `nothing, if it comes later: havip run waits for it`),
  );
}

function portCheck(port: WantedPort, plan: Plan): Check {
  const name = `port ${port.name}`;
  const where = port.kind === PORT_KIND.GATEWAY ? 'as a gateway' : `on ${port.bridge.name}`;
  const detail = `${port.hook} ${where}, MTU ${port.mtu}${port.up ? '' : ', down'}`;
  const fromXdp = [...plan.ports.values()].some(
    ({ hook, ifindex }) => hook === 'xdp' && ifindex !== port.ifindex,
  );
  const takes = port.kind === PORT_KIND.HOST || (port.flags & TARGET_FLAGS.XDP) !== 0;
  if (!fromXdp || takes) return ok(name, detail);
  const cure = `turn GRO on inside the guest (ethtool -K eth0 gro on); until then its frames take the bridge`;
  return warn(name, `${detail}; takes no frames redirected by XDP`, cure);
}
