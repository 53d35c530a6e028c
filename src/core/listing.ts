/** Many names as a sentence lists them. */

/** `a, b, c`; of more than `most` the first so many: `a, b and 5 more`. */
export const andMore = (all: readonly string[], most: number): string =>
  all.length > most ? `${all.slice(0, most).join(', ')} and ${all.length - most} more` : all.join(', ');
