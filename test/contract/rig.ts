/** A simulated farm with Reeve's own transport and toolstack in front of it: what the tests that need both start from. */
import { localFile } from '../../src/cli/outside.ts';
import type { Event } from '../../src/core/event.ts';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { execute, type Outcome, type World } from '../../src/apply/index.ts';
import { digestText } from '../../src/core/digest.ts';
import type { Control, Reader } from '../../src/core/port.ts';
import type { Farm } from '../../src/kinds/farm.ts';
import type { Plan, PlanOptions } from '../../src/kinds/plan.ts';
import type { Secrets } from '../../src/kinds/toolstack.ts';
import type { Observed } from '../../src/kinds/server/live.ts';
import type { ServerSpec } from '../../src/kinds/server/spec.ts';
import { defaultOptions, makePlan, pathsToRead, stale } from '../../src/plan/index.ts';
import { faultsOf } from '../../src/report/plan-check.ts';
import { parsePlan, planJson } from '../../src/report/plan-json.ts';
import { startSimFarm, type SimFarm, type SimFarmSpec } from '../../src/sim/index.ts';
import { observeText, pathsOf, xl } from '../../src/toolstacks/xl/index.ts';
import {
  holdText,
  openControl,
  openReader,
  opText,
  waitText,
  writeText,
  type TransportEnv,
} from '../../src/transport/index.ts';
import { openDesk } from './desk.ts';

const schema = JSON.parse(readFileSync(new URL('../../schemas/plan.schema.json', import.meta.url), 'utf8')) as object;

export const texts = {
  observe: digestText(observeText),
  hold: digestText(holdText),
  op: digestText(opText),
  wait: digestText(waitText),
  write: digestText(writeText),
};

/** A clock on which waiting costs nothing: the simulated farm's own time passes while it is read. */
export const hasty = (): World['clock'] => {
  let now = 0;
  return {
    now: () => now,
    sleep: (ms) => {
      now += ms;
      return new Promise((resolve) => setImmediate(resolve));
    },
  };
};

export interface Rig {
  readonly sim: SimFarm;
  readonly servers: readonly ServerSpec[];
  readonly env: TransportEnv;
  reader(): Reader;
  control(): Control;
  /** All servers at once, one reading each. */
  observe(reader: Reader, farm: Farm): Promise<Observed>;
  plan(farm: Farm, options?: Partial<PlanOptions>): Promise<Plan>;
  /** `leaveAt`: the run is gone, as if killed, once it has told so many events; what it started goes on without it. */
  apply(plan: Plan, leaveAt?: number, onEvent?: (event: Event) => void, command?: World['command']): Promise<Outcome>;
  close(): Promise<void>;
}

/** Every plan that is made may be saved, and applied later. */
const loadable = (plan: Plan): Plan => {
  const saved = parsePlan(planJson(plan), schema);
  const faults = 'format' in saved ? faultsOf(saved, { version: plan.tool, commands: (op) => xl.commands(op) }) : saved;
  if (faults.length > 0) throw new Error(`the plan would not load: ${faults.map((f) => f.message).join('\n')}`);
  return plan;
};

export const openRig = async (
  spec: Omit<SimFarmSpec, 'texts'>,
  secrets: Secrets = new Map(),
  pool = 'p',
): Promise<Rig> => {
  const sim = await startSimFarm({ ...spec, texts });
  const desk = openDesk(sim, pool);
  const { servers, env } = desk;
  // What the file of the last plan holds and no plan does.
  let written: Farm['written'];
  const observe = async (reader: Reader, farm: Farm): Promise<Observed> => {
    const paths = pathsToRead(farm);
    return new Map(
      await Promise.all(
        servers.map(
          async (s) => [s.name, await reader.read(s.name, xl.reading('all', paths.get(s.name) ?? []))] as const,
        ),
      ),
    );
  };
  return {
    sim,
    servers,
    env,
    reader: () => openReader(servers, env),
    control: () => openControl(servers, env),
    observe,
    plan: async (farm, options = {}) => {
      const reader = openReader(servers, env);
      written = farm.written;
      try {
        const seen = await observe(reader, farm);
        return loadable(
          makePlan(farm, seen, { ...defaultOptions, ...options }, { toolstack: xl, version: '0.0.0', secrets }),
        );
      } finally {
        await reader.close();
      }
    },
    apply: async (plan, leaveAt = Infinity, onEvent = () => undefined, command = async () => ({ rc: 0, out: '' })) => {
      const control = openControl(servers, env);
      const never = new AbortController().signal;
      const gone = new AbortController();
      let events = 0;
      try {
        return await execute(plan, {
          control,
          toolstack: xl,
          clock: hasty(),
          who: { who: 'test', from: 'here', since: '2026-01-01T00:00:00Z', epoch: randomBytes(8).toString('hex') },
          onEvent: (event) => {
            onEvent(event);
            if (++events >= leaveAt) gone.abort();
          },
          cancel: { stop: never, detach: gone.signal },
          pathsOf,
          fresh: (seen) => stale(plan, seen),
          secrets: new Map([...secrets, ...Object.entries(written ?? {})]),
          probe: async () => false,
          command,
          local: localFile,
        });
      } finally {
        await control.close();
      }
    },
    close: async () => {
      await sim.close();
      desk.clear();
    },
  };
};
