// SPDX-License-Identifier: BSD-2-Clause
// The configuration of a real keepalived in a guest: as short as an operator would write it, all timers of
// announcements left at keepalived's defaults.
import { isIPv6 } from 'node:net';

export interface KeepalivedOptions {
  /** Virtual router id, 1 to 255. */
  vrid: number;
  /** 1 to 254; 255 means owner of the address. */
  priority: number;
  /** One family an instance. Without a prefix length: /32 or /128. */
  vip: string | string[];
  /** Below 1 s, fractions and IPv6 need VRRP version 3, which is then chosen. @default 1 */
  advertIntervalS?: number;
  /** @default true */
  preempt?: boolean;
  /** @default 'BACKUP': an election decides who starts. */
  state?: 'MASTER' | 'BACKUP';
  /** @default 'eth0' */
  device?: string;
  /** Further lines of the vrrp_instance block, such as `use_vmac`. */
  extra?: string[];
  /** Lines of global_defs, such as `vrrp_garp_master_refresh 5`. */
  globals?: string[];
}

export function keepalivedConfig(routerId: string, options: KeepalivedOptions): string {
  const vips = [options.vip].flat();
  const intervalS = options.advertIntervalS ?? 1;
  const version3 = !Number.isInteger(intervalS) || vips.some((vip) => isIPv6(vip.split('/')[0] ?? ''));
  const device = options.device ?? 'eth0';
  return block([
    ['global_defs', [`router_id ${routerId}`, ...(options.globals ?? [])]],
    [
      'vrrp_instance havip',
      [
        `state ${options.state ?? 'BACKUP'}`,
        `interface ${device}`,
        `virtual_router_id ${options.vrid}`,
        `priority ${options.priority}`,
        `advert_int ${intervalS}`,
        ...(version3 ? ['version 3'] : []),
        ...(options.preempt === false ? ['nopreempt'] : []),
        ...(options.extra ?? []),
        'virtual_ipaddress {',
        ...vips.map((vip) => `  ${vip} dev ${device}`),
        '}',
      ],
    ],
  ]);
}

/** In the foreground, speaking only to us: no syslog, own pid files, nothing but VRRP. */
export function keepalivedCommand(configPath: string, folder: string): string[] {
  return [
    ...['keepalived', '--dont-fork', '--log-console', '--log-detail', '--no-syslog', '--vrrp'],
    ...['--use-file', configPath, '--pid', `${folder}/main.pid`, '--vrrp_pid', `${folder}/vrrp.pid`],
  ];
}

function block(blocks: readonly (readonly [string, readonly string[]])[]): string {
  return blocks
    .map(([head, lines]) => `${head} {\n${lines.map((line) => `  ${line}\n`).join('')}}\n`)
    .join('');
}
