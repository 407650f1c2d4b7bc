// SPDX-License-Identifier: BSD-2-Clause
// What the kernel says of our programs, and of the settings that decide what becomes of a HAVIP's frames.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toJson } from '../cli/json.js';
import { linksFolder, names } from '../kernel/pins.js';
import { closeFd, linkInfo, openPin, programFdById, programInfo, type ProgramInfo } from '../native/index.js';

/** A line each pin of an attached program. Errors: as the kernel's, EPERM for instance. */
export function programs(pinPath: string): string {
  const folder = linksFolder(pinPath);
  return names(folder)
    .map((name) => `${toJson({ pin: name, ...attached(join(folder, name), name) })}\n`)
    .join('');
}

/** In clsact the program itself is pinned, elsewhere the link that holds it. */
function attached(path: string, name: string): Record<string, string | number> {
  const fd = openPin(path);
  try {
    if (name.includes('clsact')) return described(programInfo(fd));
    const { programId, ifindex, kind } = linkInfo(fd);
    return { ifindex, kind, ...describedById(programId) };
  } finally {
    closeFd(fd);
  }
}

function describedById(id: number): Record<string, string | number> {
  const fd = programFdById(id);
  try {
    return described(programInfo(fd));
  } finally {
    closeFd(fd);
  }
}

function described({
  id,
  name,
  tag,
  jitedBytes,
  verifiedInstructions,
}: ProgramInfo): Record<string, string | number> {
  return { program: id, name, tag, jitedBytes, verifiedInstructions };
}

const ROOT = '/proc/sys';
const SINGLE = [
  'net/ipv4/ip_forward',
  'net/core/bpf_jit_enable',
  'net/core/bpf_jit_harden',
  'kernel/unprivileged_bpf_disabled',
  'kernel/bpf_stats_enabled',
  'net/bridge/bridge-nf-call-iptables',
  'net/bridge/bridge-nf-call-ip6tables',
  'net/bridge/bridge-nf-call-arptables',
];
/** For each device. */
const IPV4 = [
  'rp_filter',
  'arp_ignore',
  'arp_announce',
  'arp_filter',
  'forwarding',
  'accept_local',
  'proxy_arp',
];
const IPV6 = ['forwarding', 'accept_ra', 'disable_ipv6'];

/** `net.ipv4.conf.eth1.rp_filter = 2` lines; those that this kernel does not have are left out. */
export function sysctls(): string {
  const paths = [...SINGLE, ...perDevice('net/ipv4/conf', IPV4), ...perDevice('net/ipv6/conf', IPV6)];
  return paths.map(line).join('');
}

function perDevice(folder: string, settings: readonly string[]): string[] {
  return foldersIn(join(ROOT, folder)).flatMap((device) =>
    settings.map((name) => join(folder, device, name)),
  );
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function line(path: string): string {
  try {
    return `${path.replaceAll('/', '.')} = ${readFileSync(join(ROOT, path), 'utf8').trim()}\n`;
  } catch {
    return '';
  }
}
