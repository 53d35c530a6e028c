/** What plans may do unasked, and the commands that run before they do it. */
import { disruptions, type Disruption } from '../core/disruption.ts';
import type { Policy } from '../kinds/farm.ts';
import { refuseCommand } from './around.ts';
import type { Gathered } from './gather.ts';
import { layerOf, numberAt, textAt } from './layers.ts';
import type { Problems } from './problem.ts';
import { badBefore } from './words.ts';
import { table } from '../core/table.ts';

export const policyOf = (all: Gathered, problems: Problems): Policy => {
  const layers = all.policy.map((e) => layerOf(e));
  const before = disruptions.flatMap((d) => {
    const command = textAt(layers, 'before', d);
    refuseCommand(problems, command, badBefore);
    return command ? [[d, command.value] as const] : [];
  });
  return {
    budget: (textAt(layers, 'budget')?.value ?? 'migrate') as Disruption,
    deletes: {
      max: numberAt(layers, 'deletes', 'max')?.value ?? 5,
      percent: numberAt(layers, 'deletes', 'percent')?.value ?? 10,
    },
    restarts: { atOnce: numberAt(layers, 'restarts', 'atOnce')?.value },
    before: table(before),
  };
};
