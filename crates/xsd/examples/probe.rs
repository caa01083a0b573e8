//! xsd schema files… -- documents…
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let split = args.iter().position(|a| a == "--").unwrap();
    let texts: Vec<(String, String)> =
        args[..split].iter().map(|f| (f.clone(), std::fs::read_to_string(f).unwrap())).collect();
    let files: Vec<(&str, &str)> = texts.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let schema = match csc_xsd::Schema::compile(&files) {
        Ok(s) => s,
        Err(e) => {
            println!("SCHEMA {e}");
            return;
        }
    };
    println!("{schema:?}");
    for f in &args[split + 1..] {
        let text = std::fs::read(f).unwrap();
        let d = match csc_xml::parse(&text, &csc_xml::Limits::with_octets(4 << 20)) {
            Ok(d) => d,
            Err(e) => {
                println!("{f}: {e}");
                continue;
            }
        };
        match schema.validate(&d) {
            Ok(()) => println!("{f}: ok"),
            Err(e) => println!("{f}: {e}"),
        }
    }
}
