// SPDX-License-Identifier: BSD-2-Clause
// node fill.js CONFIG PORT MAC COUNT: so many HAVIPs into the pinned maps of a daemon that has ended, by the loader's own
// code, in place of the one that the configuration has; then each is announced at that port by that MAC, through the
// program that is attached there. Answers with what the maps take. For more HAVIPs than one would write into a file.
import { readFileSync } from 'node:fs';
import { loadConfig } from '../config/load.js';
import { Commander } from '../control/commander.js';
import { Definitions } from '../control/definitions.js';
import { attachedProgram } from '../kernel/attachments.js';
import { Datapath } from '../kernel/datapath.js';
import { MAP_NAMES } from '../kernel/maps.js';
import { openPinnedMap } from '../kernel/reader.js';
import { Table, U32 } from '../kernel/table.js';
import { announcement } from '../lab/frames.js';
import { BpfObject, closeFd, ifNameToIndex, settle, testRun } from '../native/index.js';
import { HeadLayout, HEAD_BYTES } from './cost-types.js';
import { addressOf } from './host.js';
import { COST_OBJECT } from './objects.js';

const [, , configPath = '', port = '', mac = '', countText = '0'] = process.argv;
const count = Number(countText);
const config = loadConfig(configPath);

await define();
announceEach();
console.log(`filled ${JSON.stringify(Object.fromEntries(MAP_NAMES.map((name) => [name, bytesOf(name)])))}`);

async function define(): Promise<void> {
  const datapath = await Datapath.open(config);
  const definitions = new Definitions(datapath.tables, new Commander(datapath.commandFd), settle);
  definitions.apply(config.subnets.map((subnet) => ({ ...subnet, havips: many(subnet.havips) })));
  datapath.close();
}

function many<T extends { readonly address: string }>([one]: readonly T[]): T[] {
  return one ? Array.from({ length: count }, (_, i) => ({ ...one, address: addressOf(i) })) : [];
}

function announceEach(): void {
  const ifindex = ifNameToIndex(port);
  const attached = attachedProgram(config.pinPath, ifindex);
  if (!attached) throw new Error(`nothing is attached to ${port}`);
  const object = new BpfObject(COST_OBJECT);
  object.load();
  const frame = Buffer.alloc(HEAD_BYTES);
  frame.write(announcement(addressOf(0), mac, 'request'), 'hex');
  new Table(object.mapFd('heads'), U32, HeadLayout).set(0, { bytes: frame, spread: 0 });
  new Table(object.mapFd('next_skb'), U32, U32).set(0, attached.fd);
  testRun(object.programFd('announce'), frame, { ifindex, repeat: count });
  closeFd(attached.fd);
  object.close();
}

/** Kernel memory of a map, as the kernel accounts for it. */
function bytesOf(name: (typeof MAP_NAMES)[number]): number {
  const fd = openPinnedMap(config.pinPath, name);
  try {
    return Number(/^memlock:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1]);
  } finally {
    closeFd(fd);
  }
}
