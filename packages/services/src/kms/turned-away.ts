/** Told of peers that were turned away. */
export type TurnedAway = (remote: string, reason: string) => void;

/** A flood of peers must not fill the disk with lines about it. */
const mostPerSecond = 20;

/**
 * Tells of so many peers a second and counts the others.
 * @param now milliseconds of any clock that only goes forward
 */
export function atMost(tell: TurnedAway, now = () => performance.now()): TurnedAway {
  let [second, told, untold] = [0, 0, 0];
  return (remote, reason) => {
    const current = Math.floor(now() / 1000);
    if (current !== second) {
      if (untold > 0) tell('', `${untold} more, not told one by one`);
      [second, told, untold] = [current, 0, 0];
    }
    if (told++ < mostPerSecond) tell(remote, reason);
    else untold++;
  };
}
