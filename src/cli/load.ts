/** Paths → the farm that they describe; what is wrong with them is told, and ends the command with exit code 3. */
import { loadFarm } from '../config/index.ts';
import { nodeIo } from '../config/node-io.ts';
import type { Diagnostic, Position } from '../core/diagnostic.ts';
import type { Farm } from '../kinds/farm.ts';
import type { ServerSpec } from '../kinds/server/spec.ts';
import { renderDiagnostics } from '../report/diagnostics.ts';
import { exit, ExitError } from './exit.ts';
import type { CommonFlags } from './options.ts';
import { lookOf, type Shell } from './shell.ts';

export const tell = (shell: Shell, diagnostics: readonly Diagnostic[], flags: CommonFlags): void => {
  if (diagnostics.length === 0) return;
  shell.err.write(renderDiagnostics(diagnostics, { color: lookOf(shell, shell.err, flags.color).color }));
};

/** As data, each where it stands, without the text of its line: that may hold what nobody should see, or have no end. */
export const diagnosticsJson = (diagnostics: readonly Diagnostic[]): readonly object[] => {
  const place = ({ file, line, column, width }: Position) => ({ file, line, column, width });
  return diagnostics.map((d) => ({
    ...d,
    at: d.at && place(d.at),
    related: d.related?.map((r) => ({ message: r.message, at: place(r.at) })),
  }));
};

/** Throws an `ExitError` where the files describe no valid farm. */
export const load = async (shell: Shell, paths: readonly string[], flags: CommonFlags): Promise<Farm> => {
  const loaded = await loadFarm(paths, nodeIo);
  if (loaded.ok) {
    tell(shell, loaded.warnings, flags);
    return loaded.farm;
  }
  tell(shell, loaded.diagnostics, flags);
  throw new ExitError(exit.invalid, '');
};

/** Throws an `ExitError` where there is none. */
export const serverNamed = (servers: readonly ServerSpec[], name: string): ServerSpec => {
  const found = servers.find((s) => s.name === name);
  if (found) return found;
  throw new ExitError(
    exit.error,
    `no server is named ${name}`,
    `the file has ${servers.map((s) => s.name).join(', ')}`,
  );
};
