// SPDX-License-Identifier: BSD-2-Clause
// `havip man DIR`, hidden: writes the manual pages, for make man.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { configJsonSchema } from '../config/json-schema.js';
import { configPage } from '../man/config-page.js';
import { manualPages } from '../man/pages.js';
import { packageVersion } from '../version.js';

/** @param wholeTree Every command: each gets a page. */
export function manCommand(wholeTree: () => Promise<Command>): Command {
  return new Command('man')
    .description('write the manual pages')
    .argument('<DIR>', 'below which man1 and man5 are made')
    .action(async (folder: string) => {
      const version = packageVersion();
      const pages = {
        ...manualPages(await wholeTree(), version),
        'havip.yaml.5': configPage(configJsonSchema(), version),
      };
      for (const [name, text] of Object.entries(pages)) {
        const place = join(folder, `man${name.at(-1) ?? ''}`);
        await mkdir(place, { recursive: true });
        await writeFile(join(place, name), text);
      }
    });
}
