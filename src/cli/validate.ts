/** `reeve validate`: is the file right? No network. */
import { loadFarm } from '../config/index.ts';
import { nodeIo } from '../config/node-io.ts';
import type { Diagnostic } from '../core/diagnostic.ts';
import { githubLines, sarif } from '../report/annotations.ts';
import { count } from '../report/text.ts';
import { exit, ExitError, type ExitCode } from './exit.ts';
import { diagnosticsJson, load } from './load.ts';
import type { CommonFlags } from './options.ts';
import { say, type Shell } from './shell.ts';

type ValidateFormat = 'text' | 'json' | 'sarif' | 'github';

export interface ValidateFlags extends CommonFlags {
  readonly format: ValidateFormat;
  readonly json: boolean;
}

/** Throws an `ExitError` for another. */
export const validateFormat = (value: string): ValidateFormat => {
  if (value === 'text' || value === 'json' || value === 'sarif' || value === 'github') return value;
  throw new ExitError(exit.error, `--format ${value}: there is no such format`, 'it is text, json, sarif or github');
};

const asData = (
  shell: Shell,
  format: Exclude<ValidateFormat, 'text'>,
  valid: boolean,
  all: readonly Diagnostic[],
): string => {
  switch (format) {
    case 'json': {
      const document = { format: 'reeve-validate/1', valid, diagnostics: diagnosticsJson(all) };
      return `${JSON.stringify(document, null, 2)}\n`;
    }
    case 'sarif':
      return sarif(all, shell.version);
    case 'github':
      return githubLines(all);
  }
};

/** Exit code 3 where something is wrong. */
export const validate = async (shell: Shell, paths: readonly string[], flags: ValidateFlags): Promise<ExitCode> => {
  const format = flags.json ? 'json' : flags.format;
  if (format !== 'text') {
    const loaded = await loadFarm(paths, nodeIo);
    shell.out.write(asData(shell, format, loaded.ok, loaded.ok ? loaded.warnings : loaded.diagnostics));
    return loaded.ok ? exit.done : exit.invalid;
  }
  const farm = await load(shell, paths, flags);
  const servers = farm.pools.reduce((n, p) => n + p.servers.length, 0);
  say(
    shell.out,
    `Farm ${farm.name} is valid: ${count(farm.pools.length, 'pool')}, ${count(servers, 'server')}, ${count(farm.vms.length, 'VM')}.`,
  );
  return exit.done;
};
