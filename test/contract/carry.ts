/** Carries out one operation on a held server, as a run would. */
import { localFile } from '../../src/cli/outside.ts';
import { carryOut } from '../../src/apply/operation.ts';
import type { Readings } from '../../src/apply/readings.ts';
import type { World } from '../../src/apply/world.ts';
import type { Control } from '../../src/core/port.ts';
import { idOf, targetOf } from '../../src/kinds/operations.ts';
import type { Op } from '../../src/kinds/plan.ts';
import { pathsOf, xl } from '../../src/toolstacks/xl/index.ts';

export interface HeldServer {
  readonly server: string;
  /** Held already. */
  readonly control: Control;
  readonly clock: World['clock'];
}

const never = new AbortController().signal;
let serial = 0;

/** Null: done; else why not. */
export const carry = async (farm: HeldServer, readings: Readings, op: Op): Promise<string | null> => {
  const world: World = {
    control: farm.control,
    toolstack: xl,
    clock: farm.clock,
    who: { who: 'contract', from: 'here', since: '', epoch: '' },
    onEvent: () => undefined,
    cancel: { stop: never, detach: never },
    pathsOf,
    fresh: () => [],
    secrets: new Map(),
    probe: async () => false,
    command: async () => ({ rc: 0, out: '' }),
    local: localFile,
  };
  const operation = {
    id: idOf(op),
    op,
    target: targetOf(op),
    server: farm.server,
    needs: [],
    lane: null,
    before: null,
    disruption: 'none' as const,
    reason: '',
    estimate: { ms: 0, downtimeMs: 0 },
    commands: [],
  };
  const trouble = await carryOut(operation, `law-${serial++}`, world, readings, {
    say: () => undefined,
    warn: () => undefined,
  });
  return trouble?.why ?? null;
};
