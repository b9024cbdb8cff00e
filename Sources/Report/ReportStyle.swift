/// How a report looks: light or dark as the reader's system is, one column on a phone.
enum ReportStyle {
    static let css: Markup = """
        :root{color-scheme:light dark;--page:#fbfbfa;--text:#1d2024;--soft:#5d646d;\
        --line:#dfe1e4;--card:#ffffff;--c0:#1f6fd0;--c1:#c2570c;--c2:#138a5b;--c3:#8a4fc4}
        @media(prefers-color-scheme:dark){:root{--page:#15171a;--text:#e7e9ec;--soft:#9ba3ad;\
        --line:#33373d;--card:#1d2024;--c0:#62a8f5;--c1:#f0924a;--c2:#4cc38a;--c3:#bd93ea}}
        *{box-sizing:border-box}
        body{margin:0 auto;max-width:1080px;padding:20px 16px 60px;background:var(--page);\
        color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif;\
        overflow-wrap:anywhere}
        h1{font-size:1.6rem;line-height:1.2;margin:.3em 0 .1em}
        h2{font-size:1.2rem;margin:2.2em 0 .5em;padding-top:.6em;border-top:1px solid var(--line)}
        h3{font-size:1rem;margin:1.4em 0 .4em}
        p{margin:.4em 0 .8em;max-width:72ch}
        .note,figcaption,.soft{color:var(--soft);font-size:.86rem}
        nav a{margin-right:1em;white-space:nowrap}
        a{color:var(--c0)}
        .cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(130px,1fr));gap:10px;\
        margin:16px 0}
        .cards div{background:var(--card);border:1px solid var(--line);border-radius:8px;\
        padding:8px 12px}
        .cards b{display:block;font-size:1.12rem}
        .cards span{color:var(--soft);font-size:.82rem}
        .charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(320px,100%),1fr));\
        gap:12px}
        .pair{display:flex;flex-wrap:wrap;gap:16px}
        .pair>figure{flex:1 1 300px;max-width:420px}.pair>div{flex:1 1 300px;min-width:0}
        figure{margin:0}
        .chart{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:10px}
        .chart svg{display:block;width:100%;height:auto}
        .chart figcaption{color:var(--text);font-weight:600;font-size:.9rem;margin-bottom:4px}
        .grid{stroke:var(--line);stroke-width:1}
        .tick{fill:var(--soft);font-size:10px}
        polyline{fill:none;stroke:currentColor;stroke-width:1.8;stroke-linejoin:round}
        circle,rect{fill:currentColor}
        .s0{color:var(--c0)}.s1{color:var(--c1)}.s2{color:var(--c2)}.s3{color:var(--c3)}
        .s1 polyline{stroke-dasharray:6 3}.s2 polyline{stroke-dasharray:2 3}
        .s3 polyline{stroke-dasharray:8 3 2 3}
        .s0 .tick,.s1 .tick,.s2 .tick,.s3 .tick{fill:var(--soft)}
        .legend{display:flex;flex-wrap:wrap;gap:2px 14px;font-size:.82rem;color:var(--soft)}
        .legend i{display:inline-block;width:10px;height:10px;border-radius:3px;\
        background:currentColor;margin-right:5px}
        .key{display:inline-block}.legend b{color:var(--text);font-weight:600}
        .cluster{margin:0 0 14px}
        .cluster figcaption{margin-bottom:4px}
        .cluster figcaption b{color:var(--text)}
        .strip{display:flex;flex-wrap:wrap;gap:3px}
        .strip img{display:block;border-radius:3px;background:var(--line)}
        .strip .far{margin-left:10px}
        .filters{display:grid;gap:8px;\
        grid-template-columns:repeat(auto-fill,minmax(104px,1fr))}
        .filters img{display:block;width:100%;height:auto;border-radius:4px}
        .weights{display:block;image-rendering:pixelated;border-radius:4px}
        .wide{overflow-x:auto}
        table{border-collapse:collapse;font-size:.88rem}
        td,th{padding:3px 14px 3px 0;text-align:left;border-bottom:1px solid var(--line);\
        vertical-align:top}
        th{white-space:nowrap}
        td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
        .share{display:inline-block;height:.7em;border-radius:2px;background:var(--c0);\
        vertical-align:baseline}
        code{font-size:.9em}
        """
}
