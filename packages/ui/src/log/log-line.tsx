import Anser from 'anser';

/** One line of a log, in its colours. */
export const LogLine = ({ text }: { text: string }) => {
  if (!text.includes('\u001b')) return <span>{text}</span>;
  let at = 0;
  return (
    <span>
      {Anser.ansiToJson(text, { json: true, remove_empty: true }).map(({ content, fg, bg, decorations }) => {
        const key = at;
        at += content.length;
        return (
          <span
            key={key}
            style={{
              ...(fg ? { color: `rgb(${lightened(fg)})` } : {}),
              ...(bg ? { background: `rgb(${bg})` } : {}),
              ...(decorations.includes('bold') ? { fontWeight: 700 } : {}),
            }}
          >
            {content}
          </span>
        );
      })}
    </span>
  );
};

/** The dark colours of terminals cannot be read on our ground: the darker, the more light they get. */
const lightened = (color: string): string => {
  const parts = color.split(',').map(Number);
  const [red = 0, green = 0, blue = 0] = parts;
  const light = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  const missing = Math.max(0, (165 - light) / 255);
  return parts.map((part) => Math.round(part + (255 - part) * missing)).join(', ');
};
