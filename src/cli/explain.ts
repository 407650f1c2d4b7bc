// SPDX-License-Identifier: BSD-2-Clause
// `havip explain`: what happened in a failover, stamp by stamp, whose time it was, and what to tune.
import { Command } from 'commander';
import { ApiClient } from '../api/client.js';
import type { DossierQuery } from '../api/types.js';
import { HavipError } from '../errors.js';
import { findDossiers } from '../history/reader.js';
import type { Dossier } from '../holders/dossier.js';
import { canonicalAddress } from '../net/addresses.js';
import { dossierObject } from './dossier-json.js';
import { dossierText } from './dossier-text.js';
import { toJson } from './json.js';
import {
  configOption,
  jsonOption,
  socketOf,
  socketOption,
  statePathOf,
  statePathOption,
  type PlaceFlags,
} from './options.js';
import { print, screenOf } from './render.js';

const EXAMPLES = `
Examples:
  $ havip explain                        the last move of all
  $ havip explain 10.0.1.50 --last 3     the last three of this HAVIP
  $ havip explain 17                     the move that \`havip events\` lists with seq 17
  $ havip explain 10.0.1.50 --json | jq '.[].outageNs'

In the bar # is the guests' time, ! the network's, and . that of nobody who sent anything.`;

interface ExplainFlags extends PlaceFlags {
  readonly json?: true;
  readonly last: number;
}

export function explainCommand(): Command {
  return new Command('explain')
    .description('the dossier of a failover: every stamp, the guests’ share and the network’s')
    .argument('[VIP|MOVE-ID]', 'a HAVIP, or the number of a move')
    .option('--last <N>', 'so many moves, oldest first', count, 1)
    .addOption(jsonOption())
    .addOption(configOption())
    .addOption(socketOption())
    .addOption(statePathOption())
    .addHelpText('after', EXAMPLES)
    .action(async (subject: string | undefined, flags: ExplainFlags, command: Command) => {
      const query = queryOf(subject, flags.last);
      const client = await connect(await socketOf(command, flags));
      try {
        const found = client
          ? await find(client, query, subject)
          : await kept(command, flags, query, subject);
        await show(found, flags.json === true);
      } finally {
        client?.close();
      }
    });
}

/** null: no daemon runs. */
async function connect(socket: string): Promise<ApiClient | null> {
  try {
    return await ApiClient.connect(socket);
  } catch (thrown) {
    if (HavipError.from(thrown).code === 'NOT_RUNNING') return null;
    throw thrown;
  }
}

/** What the history on disk has, where no daemon can be asked. */
async function kept(
  command: Command,
  flags: ExplainFlags,
  query: DossierQuery,
  subject: string | undefined,
): Promise<readonly Dossier[]> {
  const folder = await statePathOf(command, flags);
  process.stderr.write(`havip: no daemon runs; reading the history in ${folder}\n`);
  const found = findDossiers(folder, query);
  if (found.length) return found;
  throw new HavipError('NOT_RUNNING', unknown(subject), { cure: 'start it: havip run --config FILE' });
}

const unknown = (subject: string | undefined): string =>
  `${subject === undefined ? 'nothing has moved' : `no move of ${subject} is known`} since the history begins`;

function count(text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw new HavipError('USAGE', `--last: found ${JSON.stringify(text)}; allowed: a whole number from 1`);
}

/** A move's number has neither a dot nor a colon. */
function queryOf(subject: string | undefined, last: number): DossierQuery {
  if (subject === undefined) return { last };
  if (/^\d+$/.test(subject)) return { id: Number(subject) };
  const address = canonicalAddress(subject);
  if (address !== null) return { address, last };
  throw new HavipError(
    'USAGE',
    `neither an IP address nor the number of a move: ${JSON.stringify(subject)}`,
    {
      cure: 'havip events --json lists the moves with their seq',
    },
  );
}

async function find(
  client: ApiClient,
  query: DossierQuery,
  subject: string | undefined,
): Promise<readonly Dossier[]> {
  const found = await client.dossiers(query);
  if (found.length) return found;
  if (query.address !== undefined && (await client.listHavips({ address: query.address })).length === 0) {
    throw new HavipError('FAILED', `no HAVIP ${query.address} is configured here`, {
      cure: 'havip status lists those that are',
    });
  }
  throw new HavipError('FAILED', unknown(subject), {
    cure: 'havip events shows what happened',
  });
}

async function show(dossiers: readonly Dossier[], asJson: boolean): Promise<void> {
  if (asJson) return print(`[\n${dossiers.map((one) => toJson(dossierObject(one))).join(',\n')}\n]\n`);
  const { color } = screenOf();
  await print(dossiers.map((one) => dossierText(one, color)).join('\n'));
}
