/** What a change costs whom it touches, from nothing to lost bytes: the scale that budgets are given in. */

export const disruptions = ['none', 'live', 'migrate', 'device', 'restart', 'stop', 'recreate', 'data-loss'] as const;

export type Disruption = (typeof disruptions)[number];

/** Where on the scale: 0 is `none`. */
export const severity = (d: Disruption): number => disruptions.indexOf(d);

export const within = (d: Disruption, budget: Disruption): boolean => severity(d) <= severity(budget);

export const worst = (all: Iterable<Disruption>): Disruption => {
  let most: Disruption = 'none';
  for (const d of all) if (severity(d) > severity(most)) most = d;
  return most;
};

export const isDisruption = (text: string): text is Disruption => (disruptions as readonly string[]).includes(text);
