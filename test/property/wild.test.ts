/** No farm, whatever hands did to it and whatever the file says of it, ends a command. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { accountOf, defaultOptions, match, planWith, stale } from '../../src/plan/index.ts';
import type { PlanOptions } from '../../src/kinds/plan.ts';
import { renderAccount } from '../../src/report/account.ts';
import { planJson } from '../../src/report/plan-json.ts';
import { renderPlan } from '../../src/report/plan-text.ts';
import { tools } from '../unit/plan/world.ts';
import { arbCase, reached } from './wild.ts';

/** The same sample in each run; more of them, and others, with WILD and WILD_SEED. */
it('a farm of any kind is planned, compared and explained', () => {
  let plans = 0;
  let left = 0;
  fc.assert(
    fc.property(arbCase, (c) => {
      const seen = reached(c);
      const planned = (more: Partial<PlanOptions>) =>
        planWith(c.second, seen, { ...defaultOptions, ...c.options, ...more }, tools);
      const whole = planned({});
      const drift = planned({ cause: 'drift', targets: [] });
      renderPlan(whole.plan, { color: false, width: 100, commands: true });
      planJson(whole.plan);
      match(c.second, seen, []);
      expect(stale(whole.plan, seen)).toEqual([]);
      for (const v of c.second.vms) {
        const account = accountOf(whole, seen, v.key);
        if (account) renderAccount(account, { color: false, width: 100 });
      }
      for (const { plan } of [whole, drift]) {
        plans++;
        if (plan.refused.some((r) => r.code === 'unverified')) left++;
      }
    }),
    { numRuns: Number(process.env['WILD'] ?? 250), seed: Number(process.env['WILD_SEED'] ?? 20261201) },
  );
  // The last net is hardly ever needed: a domain twice, or memory that hands have given out twice.
  expect(left / plans).toBeLessThan(0.01);
}, 600_000);
