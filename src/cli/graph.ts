/** `reeve graph`: the plan's operations and what waits for what, for Mermaid or Graphviz. Changes nothing. */
import { type GraphFormat, renderGraph } from '../report/graph.ts';
import { exit, ExitError, type ExitCode } from './exit.ts';
import type { MakeFlags } from './options.ts';
import { planOnly } from './plan.ts';
import { codeOf } from './pipeline.ts';
import type { Shell } from './shell.ts';

export interface GraphFlags extends MakeFlags {
  readonly format: GraphFormat;
}

export const graphFormat = (value: string): GraphFormat => {
  if (value === 'mermaid' || value === 'dot') return value;
  throw new ExitError(exit.error, `--format ${value}: there is no such format`, 'it is mermaid or dot');
};

export const graph = async (shell: Shell, paths: readonly string[], flags: GraphFlags): Promise<ExitCode> => {
  const plan = await planOnly(shell, paths, flags);
  shell.out.write(renderGraph(plan, flags.format));
  return codeOf(plan, exit.done);
};
