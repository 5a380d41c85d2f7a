/**
 * Says from what owners wrote whether two of them ever owned the lock at once. Knows nothing of
 * locks: only the order of the lines, which the kernel gives (each is one append).
 *
 * @module
 */

/** What the log tells. */
export interface Ruling {
  /** How often somebody entered. */
  readonly entries: number;
  /** How many were killed while they were in. */
  readonly killedInside: number;
  /** Each time that two were in, as a sentence. */
  readonly overlaps: readonly string[];
}

/**
 * Reads lines `enter <who>`, `in <who>`, `leave <who>`, written by those who own the lock, and
 * `kill <who>`, written before somebody is killed. Who enters while another is in overlaps,
 * unless that one was about to be killed: then it must never be heard of again.
 */
export function judge(log: string): Ruling {
  let inside: string | null = null;
  let entries = 0;
  const condemned = new Set<string>();
  const dead = new Set<string>();
  const overlaps: string[] = [];
  for (const [number, line] of log.trimEnd().split("\n").entries()) {
    const [verb, who = ""] = line.split(" ");
    const complain = (what: string): void => {
      overlaps.push(`line ${number + 1}: ${who} ${what}`);
    };
    switch (verb) {
      case "kill":
        condemned.add(who);
        break;
      case "enter":
        if (dead.has(who)) complain("enters, but must be dead");
        if (inside !== null && condemned.has(inside)) dead.add(inside);
        else if (inside !== null) complain(`enters while ${inside} is in`);
        inside = who;
        entries++;
        break;
      case "in":
      case "leave":
        if (dead.has(who)) complain("is in, but must be dead");
        else if (inside !== who) complain(`is in, and so is ${inside ?? "nobody"}`);
        if (verb === "leave" && inside === who) inside = null;
        break;
      case "lost":
        complain("was told by check() that it has lost the lock");
        break;
      case "":
        break;
      default:
        complain(`wrote ${JSON.stringify(line)}`);
    }
  }
  return { entries, killedInside: dead.size, overlaps };
}
